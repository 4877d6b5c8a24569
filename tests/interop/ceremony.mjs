// SPDX-License-Identifier: Apache-2.0
//
// ceremony.mjs PROFILE: the first ceremony, the yearly one, a holder who leaves, a higher threshold. After every rename of
// every finish, new tuf-js clients and returning ones, from each root that was ever published, update without a failure.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { makeIndex, newClient, run, scratch, serve, session, sign, verify } from "./repository.mjs";

const [profile] = process.argv.slice(2);
const stampede = process.env.STAMPEDE;
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const metadata = path.join(repo, "public/metadata");
const keys = path.join(folder, "keys");
const trust = path.join(folder, "trust.json");
const step = (text) => console.log(`- ${text}`);
const description = (name) => path.join(keys, `${name}.key.json`);

/** Lets holders sign the payload, each with the words that its own look at it shows. */
function signPayload(payload, ...holders) {
	const trusted = fs.existsSync(trust) ? ["--trust", trust] : [];
	const { words } = JSON.parse(run(stampede, ["ceremony", "show", payload, ...trusted, "--json"]));
	for (const holder of holders) {
		const done = spawnSync(stampede, ["ceremony", "sign", payload, ...trusted, "--key", `pem:${keys}/${holder}.pem`],
			{ encoding: "utf8", input: `${words[0]} ${words[1]}\n` });
		assert.equal(done.status, 0, done.stdout + done.stderr);
	}
}
const signatures = (payload) => fs.readdirSync(folder).filter((name) => name.startsWith(`${path.basename(payload)}.`))
	.map((name) => path.join(folder, name));

fs.mkdirSync(keys, { mode: 0o700 });
for (const name of ["ada", "bob", "eve", "dan"])
	run(stampede, ["key", "new", path.join(keys, name), "--type", name === "bob" || name === "dan" ? "p256" : "ed25519"]);
makeIndex(index, "--count", "20", "--sizes", "small");

step("the first ceremony: no offline secret was ever on this machine");
const first = path.join(folder, "first.json");
run(stampede, ["init", repo, "--targets", index, "--profile", profile, "--bins", "4", "--ceremony", first,
	"--keys", description("ada"), description("bob"), description("eve")]);
assert.equal(spawnSync(stampede, ["sign", repo]).status, 2);
signPayload(first, "ada", "bob", "eve");
run(stampede, ["ceremony", "finish", repo, first, ...signatures(first)]);
sign(repo);
fs.copyFileSync(path.join(metadata, "1.root.json"), trust);

const server = await serve(path.join(repo, "public"));
const returning = []; // one client from each root on
let clients = 0;
/** All clients update; what they had before does not matter. */
async function followed() {
	for (const client of returning) await session(client, server.url).refresh();
	await session(newClient(path.join(folder, `new-${clients++}`), repo), server.url).refresh();
}
/** A client that stays at what is published now until the next step. */
async function away() {
	const client = newClient(path.join(folder, `away-${clients++}`), repo);
	await session(client, server.url).refresh();
	returning.push(client);
}
/** A copy of each returning client, so that each state is seen by one that was away. */
async function seenByAll() {
	for (const client of returning) {
		const copy = path.join(folder, `copy-${clients++}`);
		fs.cpSync(client.metadataDir, path.join(copy, "metadata"), { recursive: true });
		fs.mkdirSync(path.join(copy, "targets"));
		await session({ metadataDir: path.join(copy, "metadata"), targetDir: path.join(copy, "targets") }, server.url).refresh();
	}
	await session(newClient(path.join(folder, `new-${clients++}`), repo), server.url).refresh();
}
const newest = () => Math.max(...fs.readdirSync(metadata).map((name) => /^(\d+)\.root\.json$/.exec(name)?.[1] ?? 0));

/** Makes a payload, lets it be signed, and finishes it, killed after each rename; clients follow each time. */
async function ceremony(name, wishes, holders) {
	const payload = path.join(folder, `${name}.json`);
	run(stampede, ["ceremony", "start", repo, "--out", payload, "--purpose", name, ...wishes]);
	signPayload(payload, ...holders);
	for (let kill = 1; kill <= 4; kill++) {
		const done = spawnSync(stampede, ["ceremony", "finish", repo, payload, ...signatures(payload)], {
			encoding: "utf8", env: { ...process.env, STAMPEDE_FAULT_POINT: "ceremony.published" } });
		assert.ok(done.status === 0 || done.signal === "SIGKILL", done.stderr);
		await seenByAll();
		if (done.status === 0) break;
	}
	const report = JSON.parse(run(stampede, ["ceremony", "finish", repo, payload, ...signatures(payload), "--json"]));
	assert.equal(report.was_published, true);
	sign(repo);
	await followed();
	await away();
	verify(repo);
	return report;
}
await away();
await followed();

step("the yearly one");
await ceremony("renewal", [], ["ada", "bob"]);
assert.equal(newest(), 2);

step("a holder leaves, another takes the place");
await ceremony("eve leaves", ["--remove", "root=eve", "--add", `root=${description("dan")}`], ["ada", "bob", "dan"]);
const root = JSON.parse(fs.readFileSync(path.join(metadata, "3.root.json"), "utf8")).signed;
assert.equal(root.roles.root.keyids.length, 3);

step("a higher threshold");
const raised = await ceremony("all three", ["--threshold", "root=3"], ["ada", "bob", "dan"]);
assert.equal(raised.versions.root, 4);
assert.equal(JSON.parse(fs.readFileSync(path.join(metadata, "4.root.json"), "utf8")).signed.roles.root.threshold, 3);

step("who left has no say any more");
const late = path.join(folder, "late.json");
run(stampede, ["ceremony", "start", repo, "--out", late, "--purpose", "late", "--renew", "root"]);
signPayload(late, "ada", "bob");
const refused = spawnSync(stampede, ["ceremony", "finish", repo, late, ...signatures(late)], { encoding: "utf8" });
assert.equal(refused.status, 3);
assert.match(refused.stderr, /5\.root\.json: has 2 of the 3 signatures that root 4 demands/);
await followed();

step("more bins, and other keys of targets");
await ceremony("bins", ["--bins", "8", "--add", `targets=${description("dan")}`], ["ada", "bob", "dan"]);

step("other online keys: staged by finish, published by sign with both");
run(stampede, ["key", "new", path.join(keys, "next")]);
fs.copyFileSync(path.join(keys, "next.pem"), path.join(repo, "keys/next.pem"));
fs.chmodSync(path.join(repo, "keys/next.pem"), 0o600);
const online = path.join(folder, "online.json");
run(stampede, ["ceremony", "start", repo, "--out", online, "--purpose", "online", "--online", `timestamp,snapshot,bins=${description("next")}`]);
signPayload(online, "ada", "bob", "dan");
const before = newest();
assert.equal(JSON.parse(run(stampede, ["ceremony", "finish", repo, online, ...signatures(online), "--json"])).staged, true);
await seenByAll();
assert.equal(newest(), before);
sign(repo);
assert.equal(newest(), before + 1);
await seenByAll();
await followed();
verify(repo);
server.close();
