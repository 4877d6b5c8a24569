// SPDX-License-Identifier: Apache-2.0
//
// rotation.mjs PROFILE [EVERY [TYPE]]: a rotation of the online keys. Each run in it is killed at each step
// of the rotation and after the renames next to it, with EVERY also after each other rename and at
// every EVERYth of all steps, and goes on. After each: clients that are new and that return from an older version of the repository, also
// behind a cache that still says 404 for the new root; after each whole run, those of all versions
// and one that followed all along. TYPE: the kind of the new key of snapshot and timestamp (ed25519,
// p256); p256 leaves the key of the bins as it is.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { digest, filesOf, init, makeIndex, newClient, scratch, serve, session, verify } from "./repository.mjs";
import { makeKey } from "./keys.mjs";

const [profile, everyText = "0", type = "ed25519"] = process.argv.slice(2);
const every = Number(everyText);
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const trace = path.join(folder, "trace");
const step = (text) => console.log(`- ${text}`);
const withBins = type === "ed25519";
const roles = withBins ? [] : ["--role", "timestamp,snapshot"];

/** Runs stampede; death: a fault point to die at. */
function stampede(args, { status = 0, env = {} } = {}) {
	const done = spawnSync(process.env.STAMPEDE, args, { encoding: "utf8", env: { ...process.env, ...env } });
	if (status !== null) assert.equal(done.status, status, `${args.join(" ")}\n${done.stdout}${done.stderr}`);
	return done;
}
const signAt = (at, options) => stampede(["sign", at.repo, "--quiet", "--now", at.now], options);
const metadataOf = (where) => path.join(where, "public/metadata");
const json = (where, name) => JSON.parse(fs.readFileSync(path.join(metadataOf(where), name), "utf8"));
const signers = (document) => document.signatures.map((item) => item.keyid).sort();
const phase = (where) => JSON.parse(stampede(["rotate", where, "--json"]).stdout).phase;

const copy = (from, to) => {
	fs.rmSync(to, { recursive: true, force: true });
	fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true });
	return to;
};

/** Clients of each age: name → folder. They are copied before they are used. */
const ages = new Map();
function remember(name, from = null) {
	const client = from ?? newClient(path.join(folder, `age-${name}`), repo);
	ages.set(name, client);
	return client;
}
function copied(client, to) {
	copy(client.metadataDir, path.join(to, "metadata"));
	copy(client.targetDir, path.join(to, "targets"));
	return { metadataDir: path.join(to, "metadata"), targetDir: path.join(to, "targets") };
}

const targets = [];
/** One session: updates, and finds targets of several bins. */
async function follow(client, url) {
	const updater = session(client, url);
	await updater.refresh();
	for (const target of targets) assert.ok(await updater.getTargetInfo(target), target);
}

/** Every client of what is in where, also behind a cache that lacks the roots `absent`. */
let checks = 0;
async function check(where, what, { absent = [], refused = [], only = null } = {}) {
	const server = await serve(path.join(where, "public"));
	try {
		for (const hidden of [[], absent]) {
			if (hidden === absent && !absent.length) continue;
			server.lies.clear();
			for (const name of hidden) server.lies.set(`/metadata/${name}`, () => null);
			for (const [name, client] of ages) {
				if (only && !only.includes(name)) continue;
				const mine = copied(client, path.join(folder, "one"));
				const subject = `${what}: client ${name}${hidden.length ? " behind a cache" : ""}`;
				checks++;
				if (hidden.length && refused.includes(name)) await assert.rejects(follow(mine, server.url), subject);
				else await follow(mine, server.url).catch((error) => assert.fail(`${subject}: ${error.stack}`));
			}
		}
	} finally {
		server.close();
	}
}

/** name → digest of everything that is published, but for the one name that changes. */
function published(where) {
	const names = filesOf(metadataOf(where)).filter((name) => name !== "timestamp.json" && !name.startsWith(".tmp-"));
	return new Map(names.map((name) => [name, digest("sha256", fs.readFileSync(path.join(metadataOf(where), name)))]));
}
function unchanged(before, where, what, { unlisted = true } = {}) {
	const after = published(where);
	for (const [name, is] of before)
		if (after.has(name) || !unlisted) assert.equal(after.get(name), is, `${what}: ${name} changed its bytes`);
}

const began = Math.floor(Date.now() / 1000) * 1000;
const format = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
/** Days from now, since clients look at the clock. */
const day = (n, hours = 0) => format(began + (n - 1) * 86400000 + hours * 3600000);

/** Every fault point that args pass, with how often. */
function passages(at) {
	fs.rmSync(trace, { force: true });
	const tried = copy(repo, path.join(folder, "traced"));
	fs.writeFileSync(trace, "");
	signAt({ repo: tried, now: at }, { env: { STAMPEDE_FAULT_TRACE: trace } });
	const counts = new Map();
	const points = [];
	for (const name of fs.readFileSync(trace, "utf8").trim().split("\n")) {
		counts.set(name, (counts.get(name) ?? 0) + 1);
		points.push(`${name}:${counts.get(name)}`);
	}
	const always = every ? /^(rotation|delegation|root|keys|snapshot|timestamp|config)\.|renamed/
		: /^(rotation|delegation|root|timestamp|config)\.renamed|^(rotation|keys)\.(end|wipe|wiped)/;
	return points.filter((point, i) => (every && i % every === 0) || always.test(point));
}

/** Signs repo at a time; before, copies of it are signed and killed at each step, and go on. */
async function signThrough(now, options = {}) {
	const points = passages(now);
	const before = published(repo);
	let killed = 0;
	const names = [...ages.keys()];
	for (let i = 0; i < points.length; i++) {
		const what = `killed at ${points[i]}`;
		const some = { ...options, only: ["new", names[i % names.length]] };
		const where = copy(repo, path.join(folder, "killed"));
		const dead = signAt({ repo: where, now }, { status: null, env: { STAMPEDE_FAULT_POINT: points[i] } });
		assert.notEqual(dead.status, 0, what);
		killed++;
		await check(where, what, some);
		unchanged(before, where, what);
		const between = published(where);
		signAt({ repo: where, now });
		await check(where, `${what}, then signed again`, some);
		unchanged(before, where, `${what}, then signed again`);
		const root = [...between.keys()].filter((name) => name.endsWith(".root.json"));
		for (const name of root) assert.equal(between.get(name), published(where).get(name), name);
		verify(where, "--now", now);
	}
	signAt({ repo, now });
	unchanged(before, repo, now);
	await check(repo, now, options);
	verify(repo, "--now", now);
	console.log(`  ${killed} kills, ${checks} client runs so far`);
}

makeIndex(index, "--count", "20", "--sizes", "small");
targets.push(...filesOf(index).slice(0, 5));
init(repo, index, "--profile", profile, "--bins", "4", "--now", day(1));
remember("new");
signAt({ repo, now: day(1) });
const server = await serve(path.join(repo, "public"));
const poller = newClient(path.join(folder, "poller"), repo);
/** The client that never stops: it goes on from where it was. */
const poll = () => follow(poller, server.url);
async function visit(name) {
	const client = newClient(path.join(folder, `age-${name}`), repo);
	await follow(client, server.url);
	remember(name, client);
}
await visit("first");
await poll();
signAt({ repo, now: day(2) });
await visit("second");
await poll();

step("staged: nothing is visible");
const former = json(repo, "timestamp.json").signatures[0].keyid;
const key = makeKey(path.join(repo, "keys"), "online-2", type);
const before = published(repo);
const staged = JSON.parse(stampede(["rotate", repo, "--online-key", key.json, "--now", day(2), "--json", "--quiet", ...roles]).stdout);
assert.equal(staged.phase, "staged");
assert.equal(staged.versions.root, 2);
assert.deepEqual(Object.values(staged.roles).map((role) => [role.former_keyid, role.next_keyid]), Array(withBins ? 3 : 2).fill([former, key.keyid]));
assert.deepEqual(published(repo), before);
await check(repo, "staged");
assert.match(stampede(["rotate", repo, "--online-key", key.json], { status: 2 }).stderr, /a rotation of online keys is staged/);
assert.match(stampede(["init", repo, "--update", "--yes"], { status: 2 }).stderr, /a rotation of online keys is staged, which an update would overtake/);
assert.equal(stampede(["sign", repo, "--dry-run", "--quiet", "--now", day(3)]).status, 0);
assert.deepEqual(published(repo), before);

step("published: both keys sign, then the new root");
await signThrough(day(3), { absent: ["2.root.json"] });
assert.equal(phase(repo), "overlap");
assert.deepEqual(signers(json(repo, "timestamp.json")), [former, key.keyid].sort());
const listed = json(repo, "timestamp.json").signed.meta["snapshot.json"].version;
assert.deepEqual(signers(json(repo, `${listed}.snapshot.json`)), [former, key.keyid].sort());
assert.deepEqual(signers(json(repo, `${listed}.bin-n-0.json`)), [withBins ? key.keyid : former]);
assert.deepEqual(json(repo, "2.root.json").signed.roles.timestamp.keyids, [key.keyid]);
assert.deepEqual(json(repo, "2.root.json").signed.roles.snapshot.keyids, [key.keyid]);
await poll();
await visit("overlap");
const uses = fs.readFileSync(path.join(repo, "state/audit.log"), "utf8").split("\n").filter((line) => line.startsWith(day(3)) && / timestamp /.test(line));
assert.equal(uses.length, 2, "each use of each key is in audit.log");

step("the overlap: both keys go on signing");
assert.match(stampede(["rotate", repo, "--online-key", key.json], { status: 2 }).stderr, new RegExp(`is under way until ${day(5)}`));
await signThrough(day(4), { absent: ["2.root.json"] });
assert.deepEqual(signers(json(repo, "timestamp.json")), [former, key.keyid].sort());
const config = JSON.parse(fs.readFileSync(path.join(repo, "stampede.json"), "utf8"));
assert.equal(config.signers.timestamp, "pem:keys/online-2.pem");
assert.equal(config.trusted_root.version, 2);
await poll();
assert.ok(fs.existsSync(path.join(repo, "keys/online.pem")));

step("after it: only the new key, and the old one is gone");
await signThrough(day(5, 1));
assert.equal(phase(repo), "done");
assert.deepEqual(signers(json(repo, "timestamp.json")), [key.keyid]);
assert.equal(fs.existsSync(path.join(repo, "keys/online.pem")), !withBins, "the old key is wiped unless it signs bins");
await poll();
await check(repo, "the end");

step("a cache that lacks the new root after the overlap has its clients fail: that is what the overlap is for");
await check(repo, "too late", { absent: ["2.root.json"], refused: ["new", "first", "second"] });

step("recovered from what is published, by the new key");
fs.rmSync(path.join(repo, "state/ledger"), { recursive: true });
signAt({ repo, now: day(6) });
await check(repo, "recovered");

step("and once more, one role at a time");
const third = makeKey(folder, "third", type);
stampede(["rotate", repo, "--online-key", third.json, "--now", day(6), "--quiet", "--role", "timestamp", "--overlap", "1h"]);
signAt({ repo, now: day(7) });
await check(repo, "one role", { absent: ["3.root.json"] });
signAt({ repo, now: day(8) });
assert.deepEqual(signers(json(repo, "timestamp.json")), [third.keyid]);
assert.ok(fs.existsSync(path.join(repo, "keys/online-2.pem")), "it still signs other roles");
await poll();
await check(repo, "one role, done");
verify(repo, "--now", day(8));
server.close();
