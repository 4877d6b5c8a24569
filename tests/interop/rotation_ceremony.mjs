// SPDX-License-Identifier: Apache-2.0
//
// rotation_ceremony.mjs: a rotation whose offline keys are elsewhere: rotate writes a payload, its holders sign it, and
// the end of the ceremony stages it instead of publishing it. Clients never fail. With an old key that is lost there
// is nothing to overlap, and the ceremony says that clients fail until the next sign.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { init, makeIndex, newClient, scratch, serve, session, sign, verify } from "./repository.mjs";
import { makeKey } from "./keys.mjs";

const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const safe = path.join(repo, "offline-keys");
const trust = path.join(folder, "trust.json");
const metadata = path.join(repo, "public/metadata");
const step = (text) => console.log(`- ${text}`);

function stampede(status, args, input = "") {
	const done = spawnSync(process.env.STAMPEDE, args, { encoding: "utf8", input });
	assert.equal(done.status, status, `${args.join(" ")}\n${done.stdout}${done.stderr}`);
	return done;
}
const phase = () => JSON.parse(stampede(0, ["rotate", repo, "--json"]).stdout).phase;
const signers = (name) => JSON.parse(fs.readFileSync(path.join(metadata, name), "utf8")).signatures.map((item) => item.keyid).sort();
const newest = (role) => Math.max(...fs.readdirSync(metadata).filter((name) => name.endsWith(`.${role}.json`)).map((name) => parseInt(name, 10)));

/** The holders sign the payload; returns their files. */
function signed(payload, ...holders) {
	const { words } = JSON.parse(stampede(0, ["ceremony", "show", payload, "--trust", trust, "--json"]).stdout);
	for (const holder of holders)
		stampede(0, ["ceremony", "sign", payload, "--trust", trust, "--key", `pem:${safe}/${holder}.pem`], `${words[0]} ${words[1]}\n`);
	return fs.readdirSync(folder).filter((name) => name.startsWith(`${path.basename(payload)}.`)).map((name) => path.join(folder, name));
}
const finish = (status, payload, files) => stampede(status, ["ceremony", "finish", repo, payload, ...files, "--json"]);
const everybody = ["root-1", "root-2", "bins-1", "bins-2"];

makeIndex(index, "--count", "20", "--sizes", "small");
init(repo, index, "--bins", "4");
sign(repo);
fs.copyFileSync(path.join(metadata, "1.root.json"), trust);
const server = await serve(path.join(repo, "public"));
const old = newClient(path.join(folder, "old"), repo);
let clients = 0;
async function followed() {
	await session(old, server.url).refresh();
	await session(newClient(path.join(folder, `new-${clients++}`), repo), server.url).refresh();
}
await followed();

step("the key must be where the end of the ceremony looks for it");
const away = makeKey(folder, "away");
const payload = path.join(folder, "P");
assert.match(stampede(2, ["rotate", repo, "--online-key", away.json, "--out", payload]).stderr, /away\.pem: is not in REPO\/keys/);

step("a payload, signed elsewhere, is staged");
const key = makeKey(path.join(repo, "keys"), "online-2");
const report = JSON.parse(stampede(0, ["rotate", repo, "--online-key", key.json, "--out", payload, "--json"]).stdout);
assert.match(report.payload, /^[0-9a-f]{64}$/);
assert.equal(report.phase, "none");
fs.rmSync(payload);
const said = stampede(0, ["rotate", repo, "--online-key", key.json, "--out", payload]).stdout;
assert.match(said, /^payload [a-z]+(-[a-z]+){3,}$/m);
assert.match(said, /^2\.root\.json +root 1: 2 of/m);
assert.ok(said.includes(`stampede ceremony finish ${repo} ${payload} ${payload}.*.sig`), said);
const files = signed(payload, ...everybody);
const other = path.join(folder, "Q");
stampede(0, ["ceremony", "start", repo, "--out", other, "--purpose", "another", "--renew", "root"]);
const done = JSON.parse(finish(0, payload, files).stdout);
assert.deepEqual([done.staged, done.published, done.must_sign], [true, false, false]);
assert.equal(phase(), "staged");
assert.equal(newest("root"), 1);
await followed();

step("finish may be repeated, and no other ceremony overtakes it");
assert.equal(JSON.parse(finish(0, payload, files).stdout).staged, true);
assert.match(stampede(2, ["ceremony", "start", repo, "--out", path.join(folder, "late"), "--purpose", "late"]).stderr,
	/a rotation of online keys is staged, which a ceremony would overtake/);
assert.match(finish(2, other, signed(other, "root-1", "root-2")).stderr, /a rotation of online keys is staged, which this ceremony would overtake/);

step("the next sign publishes it");
const former = signers("timestamp.json")[0];
sign(repo);
assert.equal(phase(), "overlap");
assert.equal(newest("root"), 2);
assert.deepEqual(signers("timestamp.json"), [former, key.keyid].sort());
await followed();
server.lies.set("/metadata/2.root.json", () => null);
await session(newClient(path.join(folder, "cached"), repo), server.url).refresh();
server.lies.clear();
verify(repo);
assert.equal(JSON.parse(finish(0, payload, files).stdout).was_published, true);

step("a key that is lost cannot overlap");
const lost = path.join(repo, "keys/online-2.pem");
const third = makeKey(path.join(repo, "keys"), "online-3");
const last = path.join(folder, "R");
sign(repo);
const start = ["ceremony", "start", repo, "--out", last, "--purpose", "lost", "--online", `timestamp,snapshot,bins=${third.json}`];
assert.match(stampede(2, start).stderr, /is under way until/);
const later = new Date(Date.now() + 3 * 86400000).toISOString().replace(/\.\d+Z$/, "Z");
sign(repo, "--now", later);
assert.equal(phase(), "done");
fs.rmSync(lost);
stampede(0, start);
const lastFiles = signed(last, ...everybody);
fs.renameSync(path.join(repo, "keys/online-3.pem"), path.join(folder, "aside.pem"));
const before = fs.readdirSync(metadata).sort();
assert.match(finish(2, last, lastFiles).stderr,
	/keys\/online-3\.pem: is not there, so nothing could be signed after this; put it there.*Nothing was published/);
fs.copyFileSync(away.pem, path.join(repo, "keys/online-3.pem"));
assert.match(finish(2, last, lastFiles).stderr, /keys\/online-3\.pem: is key [0-9a-f]{16}…, but .*Nothing was published/);
assert.deepEqual(fs.readdirSync(metadata).sort(), before);
fs.renameSync(path.join(folder, "aside.pem"), path.join(repo, "keys/online-3.pem"));
assert.equal(JSON.parse(finish(0, last, lastFiles).stdout).must_sign, true);

step("the end of the ceremony made stampede.json name the new key, and the next sign signs with it");
const config = path.join(repo, "stampede.json");
const named = () => JSON.parse(fs.readFileSync(config, "utf8")).signers;
const all = (uri) => ({ bin_n: uri, snapshot: uri, timestamp: uri });
assert.deepEqual(named(), all("pem:keys/online-3.pem"));
sign(repo, "--now", later);
assert.deepEqual(signers("timestamp.json"), [third.keyid]);
verify(repo, "--now", later);
await followed();

step("a run that died before it wrote that is repeated");
fs.writeFileSync(config, JSON.stringify({ ...JSON.parse(fs.readFileSync(config, "utf8")), signers: all("pem:keys/online-2.pem") }));
assert.equal(JSON.parse(finish(0, last, lastFiles).stdout).was_published, true);
assert.deepEqual(named(), all("pem:keys/online-3.pem"));
sign(repo, "--now", later);

step("a ceremony that changes more is published at once, and signed with the new key, though the old one is there");
const fourth = makeKey(path.join(repo, "keys"), "online-4");
const mixed = path.join(folder, "S");
stampede(0, ["ceremony", "start", repo, "--out", mixed, "--purpose", "more", "--renew", "targets", "--online", `timestamp,snapshot,bins=${fourth.json}`]);
assert.equal(JSON.parse(finish(0, mixed, signed(mixed, ...everybody, "targets-1", "targets-2")).stdout).must_sign, true);
assert.deepEqual(named(), all("pem:keys/online-4.pem"));
sign(repo, "--now", later);
assert.deepEqual(signers("timestamp.json"), [fourth.keyid]);
verify(repo, "--now", later);
await followed();

step("a key that took the place of the old file is found there");
const fifth = makeKey(folder, "online-5");
const placed = path.join(folder, "T");
fs.copyFileSync(fifth.pem, path.join(repo, "keys/online-4.pem"));
stampede(0, ["ceremony", "start", repo, "--out", placed, "--purpose", "placed", "--online", `timestamp,snapshot,bins=${fifth.json}`]);
finish(0, placed, signed(placed, ...everybody));
assert.deepEqual(named(), all("pem:keys/online-4.pem"));
sign(repo, "--now", later);
assert.deepEqual(signers("timestamp.json"), [fifth.keyid]);
server.close();
