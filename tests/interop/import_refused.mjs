// SPDX-License-Identifier: Apache-2.0
//
// import_refused.mjs: what import must refuse, each with a message that names the file, the role or
// the key, and nothing left behind. And a kill at each step: nothing or a whole repository.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { OldRepository, envelope, keysOf, newKey, role, sha256 } from "./old_repository.mjs";
import { scratch } from "./repository.mjs";

const folder = scratch();
const max = 9007199254740991;
const stranger = newKey();
const vendor = [newKey("ecdsa")];
let count = 0;

/** A good repository of three roots with a vendor's role. */
function good(options = {}) {
	const old = new OldRepository(path.join(folder, `old-${count++}`), {
		keys: { root: [newKey(), newKey()], targets: [newKey()], snapshot: [newKey()], timestamp: [newKey()] },
		rootThreshold: 2,
		...options,
	});
	old.targets = { "a.txt": old.entry("a.txt", "alpha") };
	old.delegations = { keys: keysOf(vendor), roles: [{ name: "vendor", ...role(vendor), paths: ["vendor/*"], terminating: false }] };
	old.delegate("vendor", vendor, {});
	return old;
}
function run(old, trusted, ...more) {
	const repo = path.join(folder, "repo");
	const done = spawnSync(process.env.STAMPEDE, ["import", repo, "--from", old.metadata, "--trust", trusted, "--targets", old.tree, "--bins", "4", ...more], { encoding: "utf8" });
	return { ...done, repo };
}
function refused(text, old, pattern, { status = 3, trusted, more = [] } = {}) {
	const done = run(old, trusted ?? old.trusted(), ...more);
	assert.equal(done.status, status, `${text}: ${done.stderr}${done.stdout}`);
	assert.match(done.stderr, pattern, text);
	assert.equal(done.stderr.trim().split("\n").length, 1, done.stderr);
	assert.ok(!fs.existsSync(done.repo), `${text}: leaves nothing`);
	console.log(`- ${text}\n    ${done.stderr.trim()}`);
}
/** Three roots, then everything else; changes are made where they belong. */
function build(old, { second = {}, third = {}, publish = {} } = {}) {
	old.root();
	old.root(second);
	old.root(third);
	old.publish(publish);
	return old;
}
const rewrite = (old, name, edit) => fs.writeFileSync(path.join(old.metadata, name), edit(fs.readFileSync(path.join(old.metadata, name), "utf8")));

/* 27, 10, 11: the chain of roots. */
{
	const old = build(good());
	fs.rmSync(path.join(old.metadata, "2.root.json"));
	refused("a gap in the roots", old, /2\.root\.json: is not there, but 3\.root\.json is: clients cannot update past the gap/);
}
refused("a root that skips a version", (() => {
	const old = good();
	old.root();
	old.root({ change: (signed) => (signed.version = 3) });
	fs.renameSync(path.join(old.metadata, "3.root.json"), path.join(old.metadata, "2.root.json"));
	old.publish();
	return old;
})(), /2\.root\.json: is root version 3, not 2: clients take one version after the other/);
refused("a root again", (() => {
	const old = good();
	old.root();
	fs.copyFileSync(path.join(old.metadata, "1.root.json"), path.join(old.metadata, "2.root.json"));
	old.publish();
	return old;
})(), /2\.root\.json: is root version 1, not 2/);
refused("a root without the old threshold", (() => {
	const old = good();
	old.root();
	old.keys.root = [newKey(), newKey()];
	old.root();
	old.publish();
	return old;
})(), /2\.root\.json: has 0 good signatures of the root before it, needs 2/);
refused("a root with a wrong signature", (() => {
	const old = build(good());
	rewrite(old, "3.root.json", (text) => text.replace(/"sig": "../, '"sig": "00'));
	return old;
})(), /3\.root\.json: has 1 good signatures of .*root.*needs 2; the signature of [0-9a-f]{64} is wrong/);

/* 9: thresholds. */
for (const threshold of [0, -1, 3, 2 ** 53])
	refused(`a threshold of ${threshold}`, build(good(), { third: { change: (signed) => (signed.roles.targets.threshold = threshold) } }), /3\.root\.json: targets(\.threshold is |asks for | asks for )/);
refused("one key twice", build(good(), {
	third: {
		change: (signed) => {
			const [first] = signed.roles.root.keyids;
			signed.roles.root.keyids = [first, first];
		},
	},
}), /3\.root\.json: .*(root asks for 2 signatures of 1 unique keys|names the public key)/);

/* 14: another chain. */
{
	const old = build(good());
	const other = good();
	other.root();
	refused("a chain that does not lead from --trust", old, /1\.root\.json: is not the root that --trust names/, { trusted: other.trusted() });
	refused("no such root", old, /nowhere\.json: cannot be read \(No such file or directory\)/, { trusted: "/nowhere.json", status: 2 });
}

/* 16: hostile JSON. */
const deep = `{"signatures":[],"signed":${"[".repeat(100)}${"]".repeat(100)}}`;
for (const [text, bytes, pattern] of [
	["duplicate members", '{"signatures":[],"signatures":[],"signed":{}}', /is not JSON: duplicate object key/],
	["depth", deep, /is nested deeper than 32 levels/],
	["a huge document", Buffer.alloc(1 << 21, " "), /is larger than 1048576 bytes/],
	["no JSON", "root", /is not JSON/],
	["an empty file", "", /is not JSON/],
])
	refused(`3.root.json: ${text}`, (() => {
		const old = build(good());
		fs.writeFileSync(path.join(old.metadata, "3.root.json"), bytes);
		return old;
	})(), new RegExp(`3\\.root\\.json: .*${pattern.source}`));
refused("a FIFO", (() => {
	const old = build(good());
	fs.rmSync(path.join(old.metadata, "timestamp.json"));
	execFileSync("mkfifo", [path.join(old.metadata, "timestamp.json")]);
	return old;
})(), /timestamp\.json: is a named pipe, not a regular file/);

/* 27: names in the snapshot. */
for (const name of ["../escape.json", "a/b.json", "x\u0007.json", "noextension"])
	refused(`the snapshot lists ${JSON.stringify(name)}`, build(good(), { publish: { change: { snapshot: (signed) => (signed.meta[name] = { version: 1 }) } } }),
		/1\.snapshot\.json: lists ".*", which is not the file name of a role/);

/* 28: versions. */
refused("targets of the last version", (() => {
	const old = good();
	old.versions.targets = max - 1;
	return build(old);
})(), new RegExp(`${max}\\.targets\\.json: has version ${max}, next to the highest`));
refused("a timestamp near the last version", (() => {
	const old = good();
	old.versions.timestamp = max - 5;
	return build(old);
})(), /timestamp\.json: has version 90071992547409\d\d, next to the highest/);
refused("a bin far above the timestamp", (() => {
	const old = build(good(), {});
	old.retired.set("bin-n-0", 2 ** 40);
	old.publish();
	return old;
})(), /2\.snapshot\.json: lists bin-n-0\.json with version 1099511627776, far above the timestamp's 2: so large a jump is refused/);
refused("a version beyond 2^53", build(good(), { publish: { change: { snapshot: (signed) => (signed.meta["vendor.json"].version = 2 ** 60) } } }), /1\.snapshot\.json: vendor\.json\.version is 1152921504606847000, out of range/);

/* Everything below the roots. */
refused("a timestamp of a stranger", (() => {
	const old = build(good());
	const { signed } = JSON.parse(fs.readFileSync(path.join(old.metadata, "timestamp.json")));
	fs.writeFileSync(path.join(old.metadata, "timestamp.json"), JSON.stringify(envelope(signed, [stranger])));
	return old;
})(), new RegExp(`timestamp\\.json: has 0 good signatures of timestamp, needs 1; is signed by ${stranger.keyid}, which is not a key of timestamp`));
refused("a snapshot of other bytes", (() => {
	const old = build(good(), { publish: { change: { timestamp: (signed, bytes) => (signed.meta["snapshot.json"].hashes = { sha256: sha256(`${bytes}x`) }) } } });
	return old;
})(), /1\.snapshot\.json: /);
refused("altered targets", (() => {
	const old = build(good());
	rewrite(old, "1.targets.json", (text) => text.replace(/a\.txt/, "z.txt"));
	return old;
})(), /1\.targets\.json: has 0 good signatures of targets, needs 1/);
refused("a missing snapshot", (() => {
	const old = build(good());
	fs.rmSync(path.join(old.metadata, "1.snapshot.json"));
	return old;
})(), /snapshot\.json: is not there, but version 1 of snapshot is listed/);
refused("a vendor's role that is missing", (() => {
	const old = build(good());
	fs.rmSync(path.join(old.metadata, "1.vendor.json"));
	return old;
})(), /1\.vendor\.json: is not there/);
refused("a vendor's role by a stranger", (() => {
	const old = good();
	old.delegate("vendor", [stranger], {});
	return build(old);
})(), new RegExp(`1\\.vendor\\.json: has 0 good signatures of vendor, needs 1; is signed by ${stranger.keyid}`));
refused("a vendor that calls itself bins", (() => {
	const old = good();
	old.delegations.roles[0].name = "bins";
	old.roles.clear();
	old.delegate("bins", vendor, {});
	return build(old);
})(), /targets: delegates path patterns to a role called bins, a name that stampede needs/, { status: 2 });

/* The tree, the places, the keys. */
{
	const old = good();
	for (let i = 0; i < 5; i++) old.targets[`gone/${i}.txt`] = { length: 1, hashes: { sha256: sha256("x") } };
	build(old);
	refused("targets that the tree lacks", old, /index: lacks 5 of the 6 targets that the old metadata signs: gone\/0\.txt, gone\/1\.txt, gone\/2\.txt, \.\.\.; .*--drop-targets/);
	const done = run(old, old.trusted(), "--drop-targets", "--json");
	assert.equal(done.status, 0, done.stderr);
	assert.equal(JSON.parse(done.stdout).targets_missing, 5);
	assert.match(done.stdout, /5 targets of the old metadata are not in the folder and will be gone: gone\/0\.txt/);
	const again = run(old, old.trusted(), "--drop-targets");
	assert.equal(again.status, 2);
	assert.match(again.stderr, /is a repository already; use it, or name another folder/);

	/* A repository that waits for its ceremony signs nothing, and says what to do. */
	const early = spawnSync(process.env.STAMPEDE, ["sign", done.repo, "--quiet"], { encoding: "utf8" });
	assert.equal(early.status, 3, early.stderr);
	assert.match(early.stderr, /root: is still that of the tool that made this repository: .*stampede ceremony start/);
	fs.rmSync(done.repo, { recursive: true });
}
refused("no metadata", (() => {
	const old = build(good());
	fs.rmSync(path.join(old.metadata, "timestamp.json"));
	return old;
})(), /holds no timestamp\.json/, { status: 2 });
{
	const old = build(good());
	const offline = old.offline("root", "targets");
	fs.rmSync(path.join(offline, "root-2.pem"));
	refused("too few root keys", old, /root: 1 of its keys are in the folder .*but 2 must sign/, { status: 2, more: ["--offline-keys", offline] });
	fs.writeFileSync(path.join(offline, "root-2.pem"), stranger.pem, { mode: 0o600 });
	refused("a key that the old root does not name", old, /root: key [0-9a-f]{16}.* is among the key files, but the old root does not name it/, { status: 2, more: ["--offline-keys", offline] });
	assert.ok(!fs.existsSync(path.join(offline, "bins-1.pem")), "keys that were made are removed");
}

/* Without consistent_snapshot, which some clients demand, a repository can be taken over all the same. */
{
	const old = build(good({ consistent: null }));
	const done = run(old, old.trusted());
	assert.equal(done.status, 0, done.stderr);
	assert.match(done.stdout, /consistent_snapshot becomes true \(it was absent\)/);
	assert.ok(fs.existsSync(path.join(done.repo, "public/metadata/1.vendor.json")));
	fs.rmSync(done.repo, { recursive: true });
}

/* A line of the snapshot for itself counts for no client; the file that it names was never verified. */
{
	const old = build(good(), { publish: { change: { snapshot: (signed) => (signed.meta["snapshot.json"] = { version: 2 }) } } });
	fs.writeFileSync(path.join(old.metadata, "2.snapshot.json"), "junk");
	const done = run(old, old.trusted());
	assert.equal(done.status, 0, done.stderr);
	assert.ok(fs.existsSync(path.join(done.repo, "public/metadata/1.snapshot.json")));
	assert.ok(!fs.existsSync(path.join(done.repo, "public/metadata/2.snapshot.json")), "copies no junk");
	fs.rmSync(done.repo, { recursive: true });
}

/* Hash bins that delegate to themselves, many times over: each is read a few times at most. */
{
	const old = good();
	const entries = (names) => names.map((name) => ({ name, ...role(vendor), path_hash_prefixes: ["0"], terminating: false }));
	const roles = Array.from({ length: 1500 }, () => "bin-n-0");
	old.delegations.roles = entries(roles);
	old.roles.clear();
	old.delegate("bin-n-0", vendor, { "b.txt": old.entry("b.txt", "beta") }, { delegations: { keys: keysOf(vendor), roles: entries(roles) } });
	build(old);
	const repo = path.join(folder, "repo");
	const done = spawnSync(process.env.STAMPEDE, ["import", repo, "--from", old.metadata, "--trust", old.trusted(), "--targets", old.tree, "--bins", "4", "--json"], { encoding: "utf8", timeout: 60000 });
	assert.equal(done.signal, null, "ends");
	console.log(`- hash bins in themselves: exit ${done.status} ${done.stderr.trim()}`);
	assert.equal(done.status, 0);
	assert.equal(JSON.parse(done.stdout).targets_listed, 2);
	fs.rmSync(repo, { recursive: true, force: true });
}

/* Killed at every step of a test build: nothing, or a whole repository; the next import finishes. */
{
	const old = build(good());
	const repo = path.join(folder, "killed");
	const trace = path.join(folder, "trace");
	const args = ["import", repo, "--from", old.metadata, "--trust", old.trusted(), "--targets", old.tree, "--bins", "4"];
	const start = (env = {}) => spawnSync(process.env.STAMPEDE, args, { encoding: "utf8", env: { ...process.env, ...env } });
	fs.writeFileSync(trace, "");
	assert.equal(start({ STAMPEDE_FAULT_TRACE: trace }).status, 0);
	fs.rmSync(repo, { recursive: true });
	const passages = new Map();
	let kills = 0;
	for (const point of fs.readFileSync(trace, "utf8").trim().split("\n")) {
		passages.set(point, (passages.get(point) ?? 0) + 1);
		const killed = start({ STAMPEDE_FAULT_POINT: `${point}:${passages.get(point)}` });
		const exists = fs.existsSync(path.join(repo, "stampede.json"));
		assert.ok(killed.signal || killed.status, `${point} ends it`);
		kills++;
		if (!exists) {
			const again = start();
			assert.equal(again.status, 0, `${point} ${passages.get(point)}: ${again.stderr}`);
		}
		for (const version of [1, 2, 3])
			assert.deepEqual(fs.readFileSync(path.join(repo, `public/metadata/${version}.root.json`)), fs.readFileSync(path.join(old.metadata, `${version}.root.json`)));
		fs.rmSync(repo, { recursive: true });
	}
	assert.ok(kills > 20, `${kills} steps`);
	console.log(`- killed at ${kills} steps`);
}
