// SPDX-License-Identifier: Apache-2.0
//
// foreign_root.mjs PROFILE: root metadata that another TUF tool wrote, as python-tuf does (indented,
// signed over the canonical form), with the repository's own offline keys: stampede continues from it,
// and clients follow. A root that is not signed by both thresholds is refused.
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
const metadata = path.join(repo, "public/metadata");
const step = (text) => console.log(`- ${text}`);

/** Canonical JSON (OLPC): sorted keys, no white space; our roots contain plain ASCII only. */
function canonical(value) {
	if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
	if (value && typeof value === "object")
		return `{${Object.keys(value).sort().map((key) => `"${key}":${canonical(value[key])}`).join(",")}}`;
	return typeof value === "string" ? `"${value.replace(/[\\"]/g, "\\$&")}"` : JSON.stringify(value);
}
const keyOf = (name) => crypto.createPrivateKey(fs.readFileSync(path.join(repo, "offline-keys", name)));
const publicHex = (key) => crypto.createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
const tufKey = (key) => ({ keytype: "ed25519", scheme: "ed25519", keyval: { public: publicHex(key) } });
const keyid = (key) => crypto.createHash("sha256").update(canonical(tufKey(key))).digest("hex");
const read = (name) => JSON.parse(fs.readFileSync(path.join(metadata, name), "utf8"));

/** Writes signed as name, indented, signed by keys. */
function write(name, signed, keys) {
	const signatures = keys.map((key) => ({
		keyid: keyid(key),
		sig: crypto.sign(null, Buffer.from(canonical(signed)), key).toString("hex"),
	}));
	fs.writeFileSync(path.join(metadata, name), JSON.stringify({ signatures, signed }, null, 1));
}
function refused(name) {
	const done = spawnSync(process.env.STAMPEDE, ["sign", repo, "--quiet"], { encoding: "utf8" });
	assert.equal(done.status, 3, done.stderr);
	assert.match(done.stderr, new RegExp(name));
	fs.rmSync(path.join(metadata, name));
}

makeIndex(index, "--count", "20", "--sizes", "small");
init(repo, index, "--profile", profile, "--bins", "4");
sign(repo);
const server = await serve(path.join(repo, "public"));
const old = newClient(path.join(folder, "old"), repo);
await session(old, server.url).refresh();
const roots = ["root-1.pem", "root-2.pem", "root-3.pem"].map(keyOf);
const thief = crypto.generateKeyPairSync("ed25519").privateKey;

step("a root of another tool is followed, a new root key and an unknown member too");
const fresh = crypto.generateKeyPairSync("ed25519").privateKey;
const second = read("1.root.json").signed;
second.version = 2;
second["x-note"] = "made elsewhere";
second.keys[keyid(fresh)] = tufKey(fresh);
second.roles.root.keyids = [...second.roles.root.keyids.slice(1), keyid(fresh)];
write("2.root.json", second, [...roots, fresh]);
assert.equal(sign(repo).versions.root, 2);
await session(old, server.url).refresh();

step("a root without the old threshold, without the new one, by a thief, or of a wrong version is refused");
const third = { ...second, version: 3 };
write("3.root.json", third, [fresh]);
refused("3.root.json");
write("3.root.json", third, [thief, roots[0]]);
refused("3.root.json");
const takeover = structuredClone(third);
takeover.keys[keyid(thief)] = tufKey(thief);
takeover.roles.root = { keyids: [keyid(thief)], threshold: 1 };
write("3.root.json", takeover, [thief]);
refused("3.root.json");
write("3.root.json", { ...third, version: 4 }, [roots[1], roots[2], fresh]);
refused("3.root.json");
/* One key under two ids reaches no threshold of two. */
const twice = structuredClone(third);
twice.keys[keyid(thief)] = tufKey(fresh);
twice.roles.root.keyids = [keyid(fresh), keyid(thief)];
write("3.root.json", twice, [fresh, roots[0]]);
refused("3.root.json");

step("the first root of another tool, put back over ours, is not ours");
const first = fs.readFileSync(path.join(metadata, "2.root.json"));
write("2.root.json", second, roots);
const done = spawnSync(process.env.STAMPEDE, ["sign", repo], { encoding: "utf8" });
assert.equal(done.status, 3);
assert.match(done.stderr, /2\.root\.json: is not the root that state\/floors names as trusted/);
fs.writeFileSync(path.join(metadata, "2.root.json"), first);

step("targets of another tool are followed");
const targets = read("1.targets.json").signed;
targets.version = 2;
targets.expires = second.expires;
const signers = fs.readdirSync(path.join(repo, "offline-keys")).filter((name) => name.startsWith("targets-")).map(keyOf);
write("2.targets.json", targets, signers);
assert.equal(sign(repo).versions.targets, 2);
await session(old, server.url).refresh();
await session(newClient(path.join(folder, "new"), repo), server.url).refresh();

step("a root key with line feeds (PEM) stays when init --update renews the root");
const ecdsa = crypto.generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const pem = { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", keyval: { public: ecdsa.publicKey.export({ format: "pem", type: "spki" }) } };
const pemId = crypto.createHash("sha256").update(canonical(pem)).digest("hex");
const withPem = { ...second, version: 3, keys: { ...second.keys, [pemId]: pem } };
withPem.roles.root.keyids = [...second.roles.root.keyids, pemId];
write("3.root.json", withPem, [...roots, fresh]);
sign(repo);
roots.forEach((key, i) => {
	if (!withPem.roles.root.keyids.includes(keyid(key))) fs.rmSync(path.join(repo, `offline-keys/root-${i + 1}.pem`));
});
const update = spawnSync(process.env.STAMPEDE, ["init", repo, "--update", "--yes", "--roles", "root"], { encoding: "utf8" });
assert.equal(update.status, 0, update.stderr);
/* The operator sees what changed since the root that was confirmed last, our first one. */
assert.match(update.stderr, /^root 1 → 4\n {2}version 1 is the last that was confirmed here/m);
assert.match(update.stderr, new RegExp(`\\+ ${pemId.slice(0, 16)}… ecdsa    may sign from now on: root`));
assert.match(update.stderr, new RegExp(`\\+ ${keyid(fresh).slice(0, 16)}… ed25519  may sign from now on: root`));
assert.match(update.stderr, /- [0-9a-f]{16}… ed25519 {2}may no longer sign: root/);
assert.match(update.stderr, /CHANGED: "x-note" is new/);
assert.deepEqual(read("4.root.json").signed.keys[pemId], pem);
sign(repo);
await session(old, server.url).refresh();
await session(newClient(path.join(folder, "newer"), repo), server.url).refresh();
const again = spawnSync(process.env.STAMPEDE, ["init", repo, "--update", "--yes", "--roles", "root"], { encoding: "utf8" });
assert.match(again.stderr, /^root 4 → 5\n {2}=/m);
server.close();
