// SPDX-License-Identifier: Apache-2.0
//
// import.mjs TOOL: a repository as that tool writes it is taken over, and clients that trusted its
// first root follow: fresh ones and those that had followed the old one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { OldRepository, keysOf, newKey, role, sha256 } from "./old_repository.mjs";
import { fetchTarget, newClient, scratch, serve, session, sign, verify } from "./repository.mjs";

const [tool] = process.argv.slice(2);
const folder = scratch();
const step = (text) => console.log(`- ${text}`);
const stampede = (args) => spawnSync(process.env.STAMPEDE, args, { encoding: "utf8" });

/** Four keys, one for each role; more for root. */
const keysFor = (kinds, options) => ({
	root: kinds.root.map((kind) => newKey(kind, options)),
	targets: [newKey(kinds.targets ?? "ed25519", options)],
	snapshot: [newKey(kinds.online ?? "ed25519", options)],
	timestamp: [newKey(kinds.online ?? "ed25519", options)],
});
const all = { path_hash_prefixes: [..."0123456789abcdef"] };
const delegation = (name, keys, rest) => ({ name, ...role(keys), terminating: false, ...rest });

/** What each tool writes: { old, keeps: names, found: { path: text }, foreign: { path: text }, profile } */
const tools = {
	/** python-tuf: indented, RSA and ECDSA keys for online roles, targets in targets.json and a vendor's role. */
	python() {
		const old = new OldRepository(path.join(folder, "old"), {
			keys: keysFor({ root: ["ed25519", "ed25519"], online: "rsa" }),
			layout: "pretty",
			rootThreshold: 2,
			extraRoot: { "x-note": "made elsewhere" },
		});
		const vendor = [newKey("ecdsa")];
		old.root();
		old.root({ expires: "2020-01-01T00:00:00Z" }); // expired in between: legal
		old.root();
		old.targets = { "pool/a.txt": old.entry("pool/a.txt", "alpha"), "b.txt": old.entry("b.txt", "beta") };
		old.delegations = { keys: keysOf(vendor), roles: [delegation("vendor", vendor, { paths: ["vendor/*"], terminating: true })] };
		old.delegate("vendor", vendor, { "vendor/v.txt": { length: 6, hashes: { sha256: sha256("vendor") } } }, { version: 7, extra: { custom: { any: "thing" } } });
		old.versions.targets = 4;
		old.versions.snapshot = 40;
		old.versions.timestamp = 52;
		return { old, keeps: ["vendor"], found: { "pool/a.txt": "alpha", "b.txt": "beta" }, foreign: { "vendor/v.txt": "vendor" } };
	},
	/** tuftool: RSA roots elsewhere, length and hashes in snapshot and timestamp, consistent names. */
	tuftool() {
		const old = new OldRepository(path.join(folder, "old"), { keys: keysFor({ root: ["ed25519"] }), layout: "tuftool", spec: "1.0.0" });
		old.root();
		old.targets = { "image.img": old.entry("image.img", "disk") };
		old.hashes = true;
		return { old, keeps: [], found: { "image.img": "disk" }, foreign: {}, options: ["--profile", "compat"] };
	},
	/** go-tuf: keyid_hash_algorithms, which its keyids cover, no consistent_snapshot, unversioned names, root.json in the snapshot. */
	gotuf() {
		const keys = keysFor({ root: ["ed25519"], online: "go-ecdsa" }, { extra: { keyid_hash_algorithms: ["sha256", "sha512"] }, inKeyid: true });
		const old = new OldRepository(path.join(folder, "old"), { keys, layout: "compact", consistent: false, spec: "1.0" });
		old.root();
		fs.copyFileSync(path.join(old.metadata, "1.root.json"), path.join(old.metadata, "root.json"));
		old.targets = { "foo/bar.txt": old.entry("foo/bar.txt", "bar") };
		return { old, keeps: [], found: { "foo/bar.txt": "bar" }, foreign: {}, options: ["--profile", "prefixes"] };
	},
	/** RSTUF: hash bins of an online key, x-rstuf members, and PEP 480's claimed role before them. */
	rstuf() {
		const online = newKey("ed25519", { extra: { "x-rstuf-online-key-uri": "fn:online" } });
		const keys = { ...keysFor({ root: ["ed25519", "ed25519"] }, { extra: { "x-rstuf-key-name": "Martin" } }), snapshot: [online], timestamp: [online] };
		const old = new OldRepository(path.join(folder, "old"), { keys, layout: "pretty", rootThreshold: 2, extraTargets: { "x-rstuf": 1 } });
		const claimed = [newKey("ed25519")];
		const project = [newKey("ed25519")];
		const bins = [..."0123456789abcdef"].map((digit) => delegation(`bins-${digit}`, [online], { path_hash_prefixes: [digit], terminating: true }));
		old.root();
		old.delegations = { keys: keysOf(claimed, [online]), roles: [delegation("claimed", claimed, { paths: ["claimed/*"] }), ...bins] };
		old.delegate("claimed", claimed, {}, { version: 3, delegations: { keys: keysOf(project), roles: [delegation("project-x", project, { paths: ["claimed/x*"], terminating: true })] } });
		old.delegate("project-x", project, { "claimed/x.whl": { length: 7, hashes: { sha256: sha256("project") } } }, { version: 12 });
		const entries = Object.fromEntries(["p/one.whl", "p/two.whl"].map((name) => [name, old.entry(name, name)]));
		for (const digit of "0123456789abcdef")
			old.delegate(`bins-${digit}`, [online], Object.fromEntries(Object.entries(entries).filter(([name]) => sha256(name).startsWith(digit))), { version: 9 });
		old.versions.timestamp = 8; // the bins are newer than the timestamp: the first sign goes above them
		return { old, keeps: ["claimed"], found: { "p/one.whl": "p/one.whl", "p/two.whl": "p/two.whl" }, foreign: { "claimed/x.whl": "project" } };
	},
};

const made = tools[tool]();
const { old } = made;
const withHashes = (bytes) => ({ length: bytes.length, hashes: { sha256: sha256(bytes) } });
const before = old.publish({
	change: {
		snapshot: (signed) => {
			if (tool === "gotuf") signed.meta["root.json"] = { version: 1 };
		},
		timestamp: (signed, bytes) => {
			if (tool !== "python") Object.assign(signed.meta["snapshot.json"], withHashes(bytes));
		},
	},
});
const oldMeta = JSON.parse(fs.readFileSync(path.join(old.metadata, old.consistent ? `${old.versions.snapshot}.snapshot.json` : "snapshot.json"))).signed.meta;

step("clients follow the old repository");
const oldServer = await serve(old.folder);
const trusted = old.trusted();
const fakeRepo = path.join(folder, "trusted");
fs.mkdirSync(path.join(fakeRepo, "public/metadata"), { recursive: true });
fs.copyFileSync(trusted, path.join(fakeRepo, "public/metadata/1.root.json"));
const returning = newClient(path.join(folder, "returning"), fakeRepo);
await session(returning, oldServer.url).refresh();

step("import");
const repo = path.join(folder, "repo");
const common = ["--from", old.metadata, "--trust", trusted, "--targets", old.tree, "--bins", "16", ...(made.options ?? [])];
const report = JSON.parse((() => {
	const done = stampede(["import", repo, ...common, "--offline-keys", old.offline("root", "targets"), "--json"]);
	assert.equal(done.status, 0, done.stderr);
	return done.stdout;
})());
assert.equal(report.needs_ceremony, false);
assert.deepEqual(report.foreign, made.keeps);
assert.equal(report.old.timestamp, old.versions.timestamp);
assert.equal(report.signed.root, old.versions.root + 1);
assert.equal(report.signed.targets, old.versions.targets + 1);
assert.equal(report.targets_listed, Object.keys(made.found).length);
const metadata = path.join(repo, "public/metadata");
const read = (name) => JSON.parse(fs.readFileSync(path.join(metadata, name), "utf8")).signed;
for (let version = 1; version <= old.versions.root; version++)
	assert.deepEqual(fs.readFileSync(path.join(metadata, `${version}.root.json`)), fs.readFileSync(path.join(old.metadata, `${version}.root.json`)));

step("root: keys verbatim, unknown members, consistent snapshots; targets: order and members");
const oldRoot = JSON.parse(fs.readFileSync(path.join(old.metadata, `${old.versions.root}.root.json`))).signed;
const newRoot = read(`${old.versions.root + 1}.root.json`);
assert.equal(newRoot.consistent_snapshot, true);
for (const key of [...old.keys.root, ...old.keys.targets]) assert.deepEqual(newRoot.keys[key.keyid], key.object);
assert.deepEqual(newRoot.roles.root, oldRoot.roles.root);
assert.deepEqual(newRoot.roles.targets, oldRoot.roles.targets);
assert.equal(newRoot["x-note"], oldRoot["x-note"]);
const newTargets = read(`${old.versions.targets + 1}.targets.json`);
assert.deepEqual(newTargets.targets, {});
assert.equal(newTargets["x-rstuf"], old.extraTargets["x-rstuf"]);
const kept = (newTargets.delegations.roles ?? []).filter((item) => made.keeps.includes(item.name));
assert.deepEqual(kept, (old.delegations?.roles ?? []).filter((item) => made.keeps.includes(item.name)));

step("sign, and clients follow over: fresh, returning, again after another sign");
const signedOnce = sign(repo);
const highest = Math.max(old.versions.timestamp, ...Object.entries(oldMeta).filter(([name]) => /-[0-9a-f]{1,5}\.json$/.test(name)).map(([, line]) => line.version));
assert.equal(signedOnce.versions.timestamp, highest + 1);
const server = await serve(path.join(repo, "public"));
for (const [target, text] of Object.entries(made.foreign)) {
	const name = path.join(repo, "public/targets", path.dirname(target), `${sha256(text)}.${path.basename(target)}`);
	fs.mkdirSync(path.dirname(name), { recursive: true });
	fs.writeFileSync(name, text);
}
const clients = [returning, newClient(path.join(folder, "fresh"), fakeRepo)];
async function follow(client) {
	const updater = session(client, server.url);
	await updater.refresh();
	for (const [target, text] of Object.entries({ ...made.found, ...made.foreign })) await fetchTarget(updater, client, target, Buffer.from(text));
	assert.equal(await updater.getTargetInfo("no/such"), undefined);
}
for (const client of clients) await follow(client);
const snapshot = read(`${signedOnce.versions.snapshot}.snapshot.json`).meta;
for (const [name, line] of Object.entries(oldMeta)) {
	assert.ok(snapshot[name], `${name} stays listed`);
	if (name !== "targets.json" && name !== "bins.json") assert.equal(snapshot[name].version, line.version, name);
}
for (const name of Object.keys(before).filter((name) => made.keeps.includes(name)))
	assert.deepEqual(fs.readFileSync(path.join(metadata, `${oldMeta[`${name}.json`].version}.${name}.json`)), before[name]);

step("verify and gc know what is foreign, and nights go on");
const audit = stampede(["verify", repo, "--targets"]);
assert.equal(audit.status, 0, audit.stdout + audit.stderr);
assert.doesNotMatch(audit.stdout + audit.stderr, /file-stray|snapshot-undelegated.*(vendor|claimed|project)/);
for (let i = 0; i < 5; i++) sign(repo);
const swept = stampede(["gc", repo, "--grace", "0h", "--keep", "1"]);
assert.equal(swept.status, 0, swept.stderr);
assert.doesNotMatch(swept.stdout + swept.stderr, /vendor|claimed|project/);
fs.writeFileSync(path.join(old.tree, "new.txt"), "new");
made.found["new.txt"] = "new";
const again = stampede(["sign", repo, "--json"]);
assert.equal(again.status, 0, again.stderr);
assert.doesNotMatch(again.stderr, /not a file of this repository/);
for (const client of [...clients, newClient(path.join(folder, "late"), fakeRepo)]) await follow(client);

step("init --update keeps the foreign delegations");
const update = stampede(["init", repo, "--update", "--yes", "--offline-keys", path.join(old.folder, "offline")]);
assert.equal(update.status, 0, update.stderr);
sign(repo);
const renewed = read(`${old.versions.targets + 2}.targets.json`);
assert.deepEqual({ ...renewed, version: 0, expires: "" }, { ...newTargets, version: 0, expires: "" });
for (const client of clients) await follow(client);
verify(repo);
server.close();
oldServer.close();
