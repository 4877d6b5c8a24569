// SPDX-License-Identifier: Apache-2.0
//
// nginx.mjs all|mutable: the nginx configuration of README.md, with only its folders and port
// changed, in front of a repository with those target files; and tuf-js behind it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { digest, fetchTarget, filesOf, init, makeIndex, newClient, scratch, session, sign } from "./repository.mjs";

const [targetFiles] = process.argv.slice(2);
const readme = fs.readFileSync(process.env.STAMPEDE_README, "utf8");
const nginx = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].find((file) => fs.existsSync(file));
if (!nginx) {
	console.log("no nginx here");
	process.exit(process.env.STAMPEDE_TEST_STRICT ? 1 : 77);
}

const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
fs.chmodSync(folder, 0o755); // nginx's workers may run as another user
makeIndex(index, "--count", "60", "--sizes", "small", "--seed", "5");
init(repo, index, "--bins", "16", "--target-files", targetFiles);
sign(repo);

async function freePort() {
	const probe = net.createServer();
	await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
	const { port } = probe.address();
	await new Promise((resolve) => probe.close(resolve));
	return port;
}

const port = await freePort();
const server = readme
	.match(/```nginx\n([\s\S]*?)```/)[1]
	.replaceAll("/srv/stampede/pypi", repo)
	.replaceAll("/srv/index", index)
	.replace("listen 80;", `listen 127.0.0.1:${port};`);
const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
	.map((name) => `${name}_temp_path ${folder}/nginx-${name};`)
	.join("\n");
const user = process.getuid() === 0 ? "user root;" : "";
fs.writeFileSync(
	path.join(folder, "nginx.conf"),
	`daemon off; ${user} pid ${folder}/nginx.pid; error_log stderr warn; worker_processes 1;
events {}
http { access_log off; ${temporary}
${server}
}
`,
);
const child = spawn(nginx, ["-p", folder, "-c", path.join(folder, "nginx.conf")], { stdio: "inherit" });
process.on("exit", () => child.kill("SIGKILL"));
const url = `http://127.0.0.1:${port}`;
for (let tries = 0; ; tries++) {
	try {
		await fetch(`${url}/metadata/timestamp.json`);
		break;
	} catch (error) {
		if (tries > 50) throw error;
		await sleep(100);
	}
}

const step = (text) => console.log(`- ${text}`);

step("cache headers: immutable for versioned files, none that lasts for the timestamp");
{
	const timestamp = await fetch(`${url}/metadata/timestamp.json`);
	assert.equal(timestamp.status, 200);
	assert.equal(timestamp.headers.get("cache-control"), "no-cache");
	const root = await fetch(`${url}/metadata/1.root.json`);
	assert.equal(root.status, 200);
	assert.match(root.headers.get("cache-control"), /immutable/);
	assert.equal(root.headers.get("content-type"), "application/json");
	const next = await fetch(`${url}/metadata/2.root.json`);
	assert.equal(next.status, 404);
	assert.doesNotMatch(next.headers.get("cache-control") ?? "", /immutable/);
}

step("metadata is compressed for those who ask");
{
	// fetch() hides the encoding; curl does not.
	const snapshot = fs.readdirSync(path.join(repo, "public/metadata")).find((name) => name.endsWith(".snapshot.json"));
	const curl = spawnSync("curl", ["-sI", "-X", "GET", "-H", "Accept-Encoding: gzip", `${url}/metadata/${snapshot}`], {
		encoding: "utf8",
	});
	assert.match(curl.stdout, /content-encoding: gzip/i);
}

step("neither keys nor anything else of the repository is served");
for (const name of ["/keys/online.pem", "/stampede.json", "/metadata/../../stampede.json", "/state/audit.log", "/targets/../keys/online.pem"])
	assert.notEqual((await fetch(url + name)).status, 200, name);

step("every target under its digest's name");
for (const target of filesOf(index)) {
	const bytes = fs.readFileSync(path.join(index, target));
	const { dir, base } = path.parse(target);
	const name = `/targets/${dir}/${digest("sha512", bytes)}.${base}`;
	const response = await fetch(url + name);
	assert.equal(response.status, 200, name);
	assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
	assert.match(response.headers.get("cache-control"), /immutable/);
}

step("tuf-js, before and after a page changed");
{
	const client = newClient(path.join(folder, "client"), repo);
	const page = filesOf(index).find((name) => name.startsWith("simple/"));
	const before = fs.readFileSync(path.join(index, page));
	const oldInfo = await session(client, url).getTargetInfo(page);
	for (const target of filesOf(index).slice(0, 10))
		await fetchTarget(session(client, url), client, target, fs.readFileSync(path.join(index, target)));
	fs.writeFileSync(path.join(index, page), `${before}<!-- changed -->\n`);
	if (targetFiles === "mutable") {
		// Between the change and the next run clients still get the page that is signed.
		await session(client, url).downloadTarget(oldInfo, path.join(client.targetDir, "signed"));
		assert.deepEqual(fs.readFileSync(path.join(client.targetDir, "signed")), before);
	}
	sign(repo);
	await fetchTarget(session(client, url), client, page, fs.readFileSync(path.join(index, page)));
}

step("README.md's tuf-js example, word for word but for its address and target");
{
	const client = newClient(path.join(folder, "example"), repo);
	const page = filesOf(index).find((name) => name.startsWith("simple/"));
	const example = path.join(process.cwd(), `readme-example-${process.pid}.mjs`); // beside node_modules
	fs.writeFileSync(
		example,
		readme
			.match(/```js\n([\s\S]*?)```/)[1]
			.replaceAll("https://index.example", url)
			.replaceAll("simple/name/index.html", page)
			.replaceAll('"metadata"', JSON.stringify(client.metadataDir))
			.replaceAll('"downloads', `"${client.targetDir}`),
	);
	try {
		// Not spawnSync: nginx is a child of this process, its output must flow.
		const run = spawn(process.execPath, [example], { stdio: "inherit" });
		assert.equal(await new Promise((resolve) => run.on("exit", resolve)), 0);
	} finally {
		fs.rmSync(example);
	}
	assert.deepEqual(fs.readFileSync(path.join(client.targetDir, "index.html")), fs.readFileSync(path.join(index, page)));
}

child.kill("SIGTERM");
await new Promise((resolve) => child.on("exit", resolve));
console.log(`nginx serves --target-files ${targetFiles}`);
