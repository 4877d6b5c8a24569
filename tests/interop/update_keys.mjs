// SPDX-License-Identifier: Apache-2.0
//
// update_keys.mjs PROFILE: every change of stampede.json and of the key files takes effect with
// init --update, or is refused with a remedy; new and returning tuf-js clients follow.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { init, makeIndex, newClient, scratch, serve, session, sign, verify } from "./repository.mjs";

const [profile] = process.argv.slice(2);
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const keys = path.join(repo, "offline-keys");
const metadata = path.join(repo, "public/metadata");
const config = path.join(repo, "stampede.json");
const step = (text) => console.log(`- ${text}`);

function update(status = 0, ...options) {
	const done = spawnSync(process.env.STAMPEDE, ["init", repo, "--update", "--yes", ...options], { encoding: "utf8" });
	assert.equal(done.status, status, done.stdout + done.stderr);
	return done.stderr;
}
function newKey(file) {
	const { privateKey } = crypto.generateKeyPairSync("ed25519");
	fs.writeFileSync(file, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
	fs.chmodSync(file, 0o600);
}
function edit(change) {
	const all = JSON.parse(fs.readFileSync(config, "utf8"));
	change(all);
	fs.writeFileSync(config, JSON.stringify(all));
}
function newest(role) {
	const versions = fs.readdirSync(metadata).filter((name) => name.endsWith(`.${role}.json`)).map((name) => parseInt(name, 10));
	return JSON.parse(fs.readFileSync(path.join(metadata, `${Math.max(...versions)}.${role}.json`), "utf8")).signed;
}

makeIndex(index, "--count", "20", "--sizes", "small");
init(repo, index, "--profile", profile, "--bins", "4");
sign(repo);
const server = await serve(path.join(repo, "public"));
const old = newClient(path.join(folder, "old"), repo);
let clients = 0;
/** Signs again, then updates a client that has followed from the start, and a new one. */
async function followed() {
	const report = sign(repo);
	await session(old, server.url).refresh();
	await session(newClient(path.join(folder, `new-${clients++}`), repo), server.url).refresh();
	verify(repo);
	return report;
}
await followed();

step("a new key file takes the place of the one that is gone");
const before = newest("root").roles.root.keyids;
const lost = fs.readFileSync(path.join(keys, "root-3.pem"));
newKey(path.join(keys, "root-3.pem"));
const view = update(0, "--roles", "root");
assert.match(view, /\+ [0-9a-f]{16}… ed25519  may sign from now on: root/);
assert.match(view, /- [0-9a-f]{16}… ed25519  may no longer sign: root/);
assert.equal(newest("root").roles.root.keyids.filter((id) => before.includes(id)).length, 2);
await followed();

step("a key that was replaced does not come back from an old copy of the keys");
const replacement = fs.readFileSync(path.join(keys, "root-3.pem"));
fs.writeFileSync(path.join(keys, "root-3.pem"), lost, { mode: 0o600 });
assert.match(update(2, "--roles", "root"), /root: key [0-9a-f]{16}… is among the key files, but version 2 of root replaced it/);
fs.writeFileSync(path.join(keys, "root-3.pem"), replacement, { mode: 0o600 });
update(0, "--roles", "root");
await followed();

step("two of three replaced at once cannot be signed, and nothing is");
const kept = ["root-1.pem", "root-2.pem"].map((name) => [name, fs.readFileSync(path.join(keys, name))]);
for (const [name] of kept) newKey(path.join(keys, name));
const version = newest("root").version;
assert.match(update(2), /root: 1 of its keys are in the offline folder, but 2 must sign, because its own keys or threshold are to change/);
assert.equal(newest("root").version, version);
for (const [name, bytes] of kept) fs.writeFileSync(path.join(keys, name), bytes, { mode: 0o600 });

step("a fourth key: refused until stampede.json says four, then it joins");
newKey(path.join(keys, "root-4.pem"));
assert.match(update(2), /"keys": 4 in "thresholds.root"/);
edit((all) => { all.thresholds.root = { threshold: 3, keys: 4 }; });
const notes = spawnSync(process.env.STAMPEDE, ["sign", repo, "--quiet"], { encoding: "utf8" }).stderr;
assert.match(notes, /"thresholds" was edited and is not in force yet/);
update();
assert.deepEqual([newest("root").roles.root.threshold, newest("root").roles.root.keyids.length], [3, 4]);
await followed();

step("keys that leave: exactly those that stay are in the folder");
edit((all) => { all.thresholds.root = { threshold: 2, keys: 3 }; });
assert.match(update(2), /says 3 keys, but the published role has 4/);
fs.renameSync(path.join(keys, "root-4.pem"), path.join(folder, "root-4.pem"));
update();
assert.deepEqual([newest("root").roles.root.threshold, newest("root").roles.root.keyids.length], [2, 3]);
assert.equal(Object.keys(newest("root").keys).length, new Set(Object.values(newest("root").roles).flatMap((role) => role.keyids)).size);
await followed();

step("keys of targets and bins, from two folders");
const roles = profile === "pep458" ? ["targets", "bins"] : ["targets"];
for (const role of roles) {
	newKey(path.join(keys, `${role}-1.pem`));
	if (profile !== "pep458") continue;
	const other = path.join(folder, `${role}-safe`);
	fs.mkdirSync(other, { mode: 0o700 });
	fs.renameSync(path.join(keys, `${role}-2.pem`), path.join(other, `${role}-2.pem`));
	assert.match(update(2), /thresholds|must sign/);
}
const safes = profile === "pep458" ? ["--offline-keys", keys, "--offline-keys", path.join(folder, "targets-safe"), "--offline-keys", path.join(folder, "bins-safe")] : [];
assert.match(update(0, ...safes), /may sign from now on: targets/);
await followed();

step("another online key: root and the bins' delegation name it, clients follow with the next sign");
fs.renameSync(path.join(repo, "keys/online.pem"), path.join(folder, "online.pem"));
newKey(path.join(repo, "keys/online.pem"));
const refused = spawnSync(process.env.STAMPEDE, ["sign", repo], { encoding: "utf8" });
assert.equal(refused.status, 2);
assert.match(refused.stderr, /stampede init --update/);
update(0, ...safes);
assert.equal((await followed()).files_hashed, 0);

step("a field that cannot be changed is refused");
edit((all) => { all.bins_role = !all.bins_role; });
assert.match(update(2), /"bins_role" cannot be changed|thresholds/);
server.close();
