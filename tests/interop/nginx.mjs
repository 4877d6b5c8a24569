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
import { digest, fetchTarget, filesOf, init, makeIndex, newClient, run, scratch, session, sign } from "./repository.mjs";

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
/** Writes a file of the index. */
function put(name, bytes) {
	fs.mkdirSync(path.dirname(path.join(index, name)), { recursive: true });
	fs.writeFileSync(path.join(index, name), bytes);
}
put("top.whl", "no folder at all\n");
put("a/b/c/d/e/f/six.whl", "as many folders as one mark holds\n");
put("a/b/c/d/e/f/g/seven.whl", "one more\n");
put(`packages/${"long".repeat(40)}/${"name".repeat(28)}.whl`, "too long for one mark\n");
put(".well/.known", "a dot file that is signed\n");
put(".signedold/old.whl", "a folder whose name begins as that of the marks\n");
put(".tmp-x/x.whl", "a folder whose name begins as temporary files do\n");
put(".tmp-0123456789abcdef/x.whl", "a folder with the whole name of a temporary file\n");
put("a b/c+d;e=f&g/~(h)!.whl", "other bytes that a URL may hold\n");
put("private/config.ini", "excluded\n");
put("private/a/b/c/d/e/f/g/deep.ini", "excluded, far below\n");
put("packages/.htpasswd", "excluded by its dot\n");
put(".git/config", "excluded with its folder\n");
put("notes/readme.txt", "not included\n");
put("packages/linked.whl", "a link, so a fault\n");
fs.rmSync(path.join(index, "packages/linked.whl"));
fs.writeFileSync(path.join(folder, "outside"), "outside of the index\n");
fs.symlinkSync(path.join(folder, "outside"), path.join(index, "packages/linked.whl"));
init(repo, index, "--bins", "16", "--target-files", targetFiles);
{
	const file = path.join(repo, "stampede.json");
	const config = JSON.parse(fs.readFileSync(file));
	config.exclude = ["private/**", "**/.htpasswd", ".git/**"];
	config.include = ["packages/**", "simple/**", "a/**", "a b/**", "private/**", ".well/**", ".signedold/**", ".tmp-*/**", ".git/**", "*.whl"];
	fs.writeFileSync(file, JSON.stringify(config));
}
run(process.env.STAMPEDE, ["sign", repo, "--quiet", "--json", "--on-fault", "skip"], 4);
put("packages/new.whl", "newer than the last run\n");
const unsigned = [
	"private/config.ini", "private/a/b/c/d/e/f/g/deep.ini", "packages/.htpasswd", ".git/config", "notes/readme.txt",
	"packages/linked.whl", "packages/new.whl",
];
/** Paths that are signed. */
const signed = () => filesOf(index).filter((name) => !unsigned.includes(name));

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
process.on("exit", () => child.kill("SIGTERM")); // its workers end with it
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

/** What curl gets for a path that is sent unchanged: status, headers and body. */
function get(name) {
	const curl = spawnSync("curl", ["-s", "-i", "--path-as-is", "--noproxy", "*", url + name], { encoding: "latin1" });
	const [head, ...body] = curl.stdout.split("\r\n\r\n");
	return { status: Number(head.split(" ")[1]), head, body: body.join("\r\n\r\n") };
}
/** The address of a path with a digest, escaped as clients do. */
function address(name, hex) {
	const { dir, base } = path.posix.parse(name);
	return encodeURI(`/targets/${dir}${dir && "/"}${hex}.${base}`);
}
const signedAddress = (name) => address(name, digest("sha512", fs.readFileSync(path.join(index, name))));
/** Asserts that nothing is served there, and that no cache stores that. */
function refused(name, why) {
	const { status, head } = get(name);
	assert.ok([400, 403, 404].includes(status), `${why}: ${name}: ${status}`);
	assert.doesNotMatch(head, /cache-control/i, `${why}: ${name}`);
}

step("every target under its digest's name");
for (const target of signed()) {
	const bytes = fs.readFileSync(path.join(index, target));
	const response = await fetch(url + signedAddress(target));
	assert.equal(response.status, 200, target);
	assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
	assert.match(response.headers.get("cache-control"), /immutable/);
}

step("nothing that is not signed, under any digest");
{
	fs.writeFileSync(path.join(repo, "public/targets/robots.txt"), "not signed\n");
	refused("/targets/robots.txt", "a file that somebody put there");
	fs.rmSync(path.join(repo, "public/targets/robots.txt"));
	const zeros = "0".repeat(128);
	const other = digest("sha512", fs.readFileSync(path.join(index, "top.whl")));
	for (const name of unsigned) {
		for (const hex of [zeros, zeros.slice(0, 64), other]) refused(address(name, hex), "not signed");
		if (name !== "packages/linked.whl") refused(signedAddress(name), "not signed, its own digest");
		refused(`/targets/${name}`, "without a digest");
		refused(`/index/${name}`, "past the marks");
	}
	for (const name of signed()) {
		refused(address(name, zeros), "a digest that is made up");
		refused(address(name, zeros.slice(0, 64)), "a shorter one");
		if (name !== "top.whl") refused(address(name, other), "another file's digest");
		refused(`/index/${encodeURI(name)}`, "past the marks");
	}
	refused(address("other/six.whl", digest("sha512", fs.readFileSync(path.join(index, "a/b/c/d/e/f/six.whl")))), "another folder");
}

step("one address for each file, and none by a trick");
{
	const name = signedAddress("a/b/c/d/e/f/six.whl");
	const file = path.posix.basename(name);
	assert.equal(get(name).status, 200);
	for (const trick of [
		`/targets//a/b/c/d/e/f/${file}`, `/targets/a/./b/c/d/e/f/${file}`, `/targets/a/x/../b/c/d/e/f/${file}`,
		`/targets/a%2Fb/c/d/e/f/${file}`, `/targets/a%2fb%2fc/d/e/f/${file}`, `/targets/a/b/c/d/e/f/${file}%00`,
		`/targets/a%00/b/c/d/e/f/${file}`, `/TARGETS/a/b/c/d/e/f/${file}`, `/targets/A/b/c/d/e/f/${file}`,
		`/targets/a/b/c/d/e/f/${file.toUpperCase()}`, `/targets/a%22b/c/d/e/f/${file}`, `/targets/a/b/c/d/e/%2e/f/${file}`,
		`/targets/..%2f..%2fstampede.json`, `/targets/../../stampede.json`, `/metadata/..%5c..%5cstampede.json`,
		`/targets/.signed/`, `/metadata/.tmp-0123456789abcdef`, `/targets/.tmp-0123456789abcdef`, "/", "/targets/", "/metadata/",
	])
		refused(trick, "a trick");
	for (const mark of filesOf(path.join(repo, "public/targets")).filter((found) => found.startsWith(".signed/")))
		refused(encodeURI(`/targets/${mark}`), "a mark");
	if (targetFiles === "mutable") {
		// A folder of the index that became a link leads nowhere, even if it was a folder when it was signed.
		fs.renameSync(path.join(index, "a/b"), path.join(folder, "moved"));
		fs.symlinkSync(path.join(folder, "moved"), path.join(index, "a/b"));
		assert.notEqual(get(name).status, 200, "a link out of the index");
		fs.rmSync(path.join(index, "a/b"));
		fs.renameSync(path.join(folder, "moved"), path.join(index, "a/b"));
		assert.match(get(name).head, /cache-control: public, max-age=86400/i);
	}
}
for (const name of unsigned) fs.rmSync(path.join(index, name));

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
	const example = path.join(process.cwd(), `readme-example-${process.pid}.mjs`); // next to node_modules
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
		// Not spawnSync: nginx is a child of this process, whose output must be read.
		const run = spawn(process.execPath, [example], { stdio: "inherit" });
		assert.equal(await new Promise((resolve) => run.on("exit", resolve)), 0);
	} finally {
		fs.rmSync(example);
	}
	assert.deepEqual(fs.readFileSync(path.join(client.targetDir, "index.html")), fs.readFileSync(path.join(index, page)));
}

step("what init prints is in README.md's configuration");
{
	const printed = init(path.join(folder, "printed"), index, "--bins", "2", "--target-files", "mutable")
		.replaceAll(path.join(folder, "printed"), repo)
		.split("\n")
		.map((line) => line.trim());
	const lines = printed.slice(printed.findIndex((line) => line.startsWith("map ")), printed.lastIndexOf("}") + 1);
	assert.ok(lines.length > 20);
	const known = server.split("\n").map((line) => line.trim());
	for (const line of lines) assert.ok(known.includes(line), line);
}

child.kill("SIGTERM");
await new Promise((resolve) => child.on("exit", resolve));
console.log(`nginx serves --target-files ${targetFiles}`);
