// SPDX-License-Identifier: Apache-2.0
//
// theft.mjs PROFILE [EVERY]: the online key is stolen, and clients are shown timestamp and snapshot of
// version 2^53 - 1 and a bin with another file. The two recipes that strand such clients; then
// rotate --stolen and sign, each killed at every step of their own and at every EVERYth of all
// others, and gone on with: afterwards clients of all ages come back, and the thief's key is dead.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { filesOf, init, makeIndex, newClient, scratch, serve, session, verify } from "./repository.mjs";
import { canonical, keyidOf, keyObject, makeKey } from "./keys.mjs";

const [profile, everyText = "1"] = process.argv.slice(2);
const every = Number(everyText);
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const good = path.join(folder, "good");
const trace = path.join(folder, "trace");
const step = (text) => console.log(`- ${text}`);
const HIGHEST = Number.MAX_SAFE_INTEGER;

function stampede(args, { status = 0, env = {} } = {}) {
	const done = spawnSync(process.env.STAMPEDE, args, { encoding: "utf8", env: { ...process.env, ...env } });
	if (status !== null) assert.equal(done.status, status, `${args.join(" ")}\n${done.stdout}${done.stderr}`);
	return done;
}
const metadataOf = (where) => path.join(where, "public/metadata");
const read = (where, name) => JSON.parse(fs.readFileSync(path.join(metadataOf(where), name), "utf8"));
const copy = (from, to) => {
	fs.rmSync(to, { recursive: true, force: true });
	fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
	return to;
};

// ------------------------------------------------------------------ clients

const ages = new Map();
function copied(client) {
	const to = path.join(folder, "one");
	copy(client.metadataDir, path.join(to, "metadata"));
	copy(client.targetDir, path.join(to, "targets"));
	return { metadataDir: path.join(to, "metadata"), targetDir: path.join(to, "targets") };
}
const targets = [];
async function follow(client, url) {
	const updater = session(client, url);
	await updater.refresh();
	for (const target of targets) assert.ok(await updater.getTargetInfo(target), target);
	return updater;
}
async function withServer(where, fn) {
	const server = await serve(path.join(where, "public"));
	try {
		return await fn(server.url);
	} finally {
		server.close();
	}
}
async function visit(name, where) {
	const client = newClient(path.join(folder, `age-${name}`), repo);
	await withServer(where, (url) => follow(client, url));
	ages.set(name, client);
}
/** Clients of all ages; those named in stuck must fail. */
let checks = 0;
async function check(where, what, { stuck = [], only = null } = {}) {
	await withServer(where, async (url) => {
		for (const [name, client] of ages) {
			if (only && !only.includes(name)) continue;
			checks++;
			const mine = copied(client);
			if (stuck.includes(name)) await assert.rejects(follow(mine, url), `${what}: ${name}`);
			else await follow(mine, url).catch((error) => assert.fail(`${what}: client ${name}: ${error.stack}`));
		}
	});
}

// ------------------------------------------------------------------ signing by hand

const secretOf = (file) => {
	const privateKey = crypto.createPrivateKey(fs.readFileSync(file));
	const object = keyObject(crypto.createPublicKey(privateKey));
	return { privateKey, object, keyid: keyidOf(object) };
};
function write(where, name, signed, keys) {
	const message = Buffer.from(canonical(signed));
	const signatures = keys.map((key) => ({ keyid: key.keyid, sig: crypto.sign(null, message, key.privateKey).toString("hex") }));
	const bytes = canonical({ signatures, signed });
	fs.writeFileSync(path.join(metadataOf(where), name), bytes);
	return bytes;
}
const sha256 = (bytes) => crypto.createHash("sha256").update(bytes).digest("hex");
/** Timestamp and snapshot of this version over what is published in where, and bins as given. */
function publish(where, version, { snapshotKey, timestampKey, bins = {} }) {
	const timestamp = read(where, "timestamp.json").signed;
	const snapshot = read(where, `${timestamp.meta["snapshot.json"].version}.snapshot.json`).signed;
	for (const [name, key] of Object.entries(bins)) {
		const bin = read(where, `${snapshot.meta[`${name}.json`].version}.${name}.json`).signed;
		for (const target of Object.keys(bin.targets)) bin.targets[target].length += 1;
		bin.version = version;
		const bytes = write(where, `${version}.${name}.json`, bin, [key]);
		snapshot.meta[`${name}.json`] = { ...snapshot.meta[`${name}.json`], version };
		if (snapshot.meta[`${name}.json`].length) snapshot.meta[`${name}.json`].length = bytes.length;
	}
	snapshot.version = version;
	const bytes = write(where, `${version}.snapshot.json`, snapshot, [snapshotKey]);
	const line = timestamp.meta["snapshot.json"];
	line.version = version;
	if (line.length) line.length = bytes.length;
	if (line.hashes) line.hashes = Object.fromEntries(Object.keys(line.hashes).map((name) => [name, crypto.createHash(name).update(bytes).digest("hex")]));
	timestamp.version = version;
	write(where, "timestamp.json", timestamp, [timestampKey]);
}

// ------------------------------------------------------------------ killed at each step

function passages(at, args) {
	const tried = copy(at, path.join(folder, "traced"));
	fs.writeFileSync(trace, "");
	stampede(args(tried), { env: { STAMPEDE_FAULT_TRACE: trace } });
	const counts = new Map();
	const points = fs.readFileSync(trace, "utf8").trim().split("\n").map((name) => {
		counts.set(name, (counts.get(name) ?? 0) + 1);
		return `${name}:${counts.get(name)}`;
	});
	const own = /^(rotation|rotate|stage|delegation|root|keys|freeze|floors|snapshot|timestamp|config)\.|renamed/;
	return points.filter((point, i) => i % every === 0 || own.test(point));
}

// ------------------------------------------------------------------ the story

const began = Math.floor(Date.now() / 1000) * 1000;
const day = (n) => new Date(began + (n - 1) * 3600000).toISOString().replace(/\.\d+Z$/, "Z");
makeIndex(index, "--count", "20", "--sizes", "small");
targets.push(...filesOf(index).slice(0, 5));
init(repo, index, "--profile", profile, "--bins", "4", "--now", day(1));
ages.set("new", newClient(path.join(folder, "age-new"), repo));
stampede(["sign", repo, "--quiet", "--now", day(1)]);
await visit("first", repo);
copy(repo, good);
stampede(["sign", repo, "--quiet", "--now", day(2)]);
await visit("second", repo);

step("the thief signs");
const K = secretOf(path.join(repo, "keys/online.pem"));
const evil = copy(repo, path.join(folder, "evil"));
const victimBin = Object.keys(read(repo, "2.snapshot.json").signed.meta).find((name) => {
	if (!name.startsWith("bin-n-")) return false;
	return Object.keys(read(repo, `2.${name}`).signed.targets).length;
}).replace(".json", "");
publish(evil, HIGHEST, { snapshotKey: K, timestampKey: K, bins: { [victimBin]: K } });
await visit("victim", evil);
await check(repo, "before the recovery", { stuck: ["victim"] });

step("two recipes that strand the victim");
const rootKeys = ["root-1.pem", "root-2.pem"].map((name) => secretOf(path.join(repo, "offline-keys", name)));
const key = makeKey(path.join(repo, "keys"), "online-2");
const next = secretOf(key.pem);
for (const [what, roles, signers] of [
	["the new key only added", { timestamp: [K, next], snapshot: [K, next] }, { snapshotKey: next, timestampKey: next }],
	["only the key of the timestamp replaced", { timestamp: [next], snapshot: [K] }, { snapshotKey: K, timestampKey: next }],
]) {
	const where = copy(repo, path.join(folder, "recipe"));
	const root = read(where, "1.root.json").signed;
	root.version = 2;
	root.keys[next.keyid] = next.object;
	for (const [role, keys] of Object.entries(roles)) root.roles[role].keyids = keys.map((item) => item.keyid);
	write(where, "2.root.json", root, rootKeys);
	publish(where, 3, signers);
	await check(where, what, { stuck: ["victim"] });
}

step("the hunt finds what the thief signed");
const args = (where, ...more) => ["rotate", where, "--stolen", "--against", good, "--mirror", metadataOf(evil), "--now", day(3), "--json", "--quiet", ...more];
const hunted = JSON.parse(stampede(args(repo, "--dry-run"), { status: 1 }).stdout);
assert.equal(hunted.hunt.forged, 3);
assert.equal(hunted.hunt.version_max, HIGHEST);
assert.equal(hunted.frozen, false);
const bin = hunted.hunt.forgeries.find((forgery) => forgery.role === victimBin);
assert.equal(bin.changed, Object.keys(read(repo, `2.${victimBin}.json`).signed.targets).length);
assert.deepEqual(hunted.hunt.forgeries.map((forgery) => forgery.role).sort(), [victimBin, "snapshot", "timestamp"].sort());
assert.ok(hunted.purge.includes("metadata/timestamp.json") && hunted.purge.includes("metadata/2.root.json"));
assert.ok(hunted.purge.includes(`metadata/${HIGHEST}.snapshot.json`));

step("a document that a stolen key of targets signed");
const shelf = path.join(folder, "shelf");
fs.mkdirSync(path.join(shelf, "public/metadata"), { recursive: true });
const forged = read(repo, "1.targets.json").signed;
forged.version = 2;
write(shelf, "2.targets.json", forged, [secretOf(path.join(repo, "offline-keys/targets-1.pem"))]);
fs.copyFileSync(path.join(metadataOf(repo), "1.targets.json"), path.join(metadataOf(shelf), "1.targets.json"));
const offline = JSON.parse(stampede(["rotate", repo, "--stolen", "--against", good, "--mirror", shelf, "--role", "targets", "--now", day(3), "--json", "--quiet", "--dry-run"], { status: 1 }).stdout);
assert.deepEqual(offline.hunt.forgeries.map((forgery) => forgery.file), ["public/metadata/2.targets.json"]);

step("frozen: nothing is signed, and some keys only are not replaced");
const frozen = JSON.parse(stampede(args(repo)).stdout);
assert.equal(frozen.frozen, true);
assert.equal(frozen.new_seal_key, true);
assert.ok(frozen.above >= 2 + 2 ** 20 && frozen.above < 2 + 2 ** 21);
assert.match(stampede(["sign", repo], { status: 3 }).stderr, /was stolen.*nothing is signed or removed until it is replaced; go on with stampede rotate --stolen/);
assert.match(stampede(args(repo, "--role", "timestamp"), { status: 2 }).stderr, /replaced together/);
assert.match(stampede(["rotate", repo, "--online-key", key.json, "--role", "timestamp,snapshot"], { status: 3 }).stderr, /stay stuck unless/);
await check(repo, "frozen", { stuck: ["victim"] });

step("staged, killed at each step");
const replaced = (where) => args(where, "--online-key", key.json.replace(repo, where));
let killed = 0;
for (const point of passages(repo, replaced)) {
	const where = copy(repo, path.join(folder, "killed"));
	assert.notEqual(stampede(replaced(where), { status: null, env: { STAMPEDE_FAULT_POINT: point } }).status, 0, point);
	killed++;
	assert.equal(JSON.parse(stampede(replaced(where)).stdout).staged, true, point);
	stampede(["sign", where, "--quiet", "--now", day(3)]);
	await check(where, `rotate killed at ${point}, then signed`, { only: ["victim", "second"] });
}
const staged = JSON.parse(stampede(replaced(repo)).stdout);
assert.equal(staged.staged, true);
assert.equal(staged.above, frozen.above, "the jump is drawn once");
await check(repo, "staged", { stuck: ["victim"] });

step("published, killed at each step");
const sign = (where) => ["sign", where, "--quiet", "--now", day(3)];
for (const point of passages(repo, sign)) {
	const where = copy(repo, path.join(folder, "killed"));
	assert.notEqual(stampede(sign(where), { status: null, env: { STAMPEDE_FAULT_POINT: point } }).status, 0, point);
	killed++;
	stampede(sign(where));
	await check(where, `sign killed at ${point}, then signed`, { only: ["victim", "first"] });
	verify(where, "--now", day(3));
}
const mayFail = fs.readdirSync(metadataOf(repo)).length;
stampede(sign(repo));
assert.ok(fs.readdirSync(metadataOf(repo)).length > mayFail);
await check(repo, "recovered");
const after = read(repo, "timestamp.json");
assert.deepEqual(after.signatures.map((item) => item.keyid), [key.keyid]);
assert.ok(after.signed.version > frozen.above);
assert.equal(fs.existsSync(path.join(repo, "keys/online.pem")), false, "the stolen key is gone");
assert.equal(fs.existsSync(path.join(repo, "state/frozen")), false);
console.log(`  ${killed} kills, ${checks} client runs`);

step("the thief's key is dead");
await visit("recovered", repo);
const again = copy(repo, path.join(folder, "again"));
publish(again, after.signed.version + 5, { snapshotKey: K, timestampKey: K });
await check(again, "signed by the stolen key", { stuck: [...ages.keys()] });

step("and it goes on");
stampede(["sign", repo, "--quiet", "--now", day(4)]);
await check(repo, "the night after");
verify(repo, "--now", day(4));
