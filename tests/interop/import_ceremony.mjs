// SPDX-License-Identifier: Apache-2.0
//
// import_ceremony.mjs [BINS KEYS]: a repository that another tool made is taken over by a ceremony of its
// holders, whose secret keys never were on this machine: an ECDSA key, an Ed25519 key, and one of RSA that
// signs with openssl (export, add). Clients follow from the old place to the new one.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { OldRepository, keysOf, newKey, role, sha256 } from "./old_repository.mjs";
import { fetchTarget, newClient, run, scratch, serve, session, sign, verify } from "./repository.mjs";

const [bins] = process.argv.slice(2);
const stampede = process.env.STAMPEDE;
const folder = scratch();
const step = (text) => console.log(`- ${text}`);
const holders = { ada: newKey("ecdsa"), bob: newKey(), rita: newKey("rsa") };
const old = new OldRepository(path.join(folder, "old"), {
	keys: { root: Object.values(holders), targets: [holders.bob], snapshot: [newKey("rsa")], timestamp: [newKey("ecdsa")] },
	rootThreshold: 3,
	consistent: false,
	extraRoot: { "x-tool": { any: [1, "thing"] } },
});
const claimed = [newKey()];
const unclaimed = [newKey("rsa")];
old.root();
old.root();
old.targets = { "a.txt": old.entry("a.txt", "alpha") };
old.delegations = {
	keys: keysOf(claimed, unclaimed),
	roles: [
		{ name: "claimed", ...role(claimed), paths: ["claimed/*"], terminating: true },
		{ name: "unclaimed", ...role(unclaimed), path_hash_prefixes: [..."0123456789abcdef"], terminating: true },
	],
};
old.delegate("claimed", claimed, { "claimed/c.txt": { length: 1, hashes: { sha256: sha256("c") } } }, { version: 2 });
old.delegate("unclaimed", unclaimed, { "other.txt": { length: 1, hashes: { sha256: sha256("o") } } }, { version: 5 });
old.publish();

step("a client follows the old repository, without consistent names");
const oldServer = await serve(old.folder);
const trusted = old.trusted();
const start = path.join(folder, "trusted");
fs.mkdirSync(path.join(start, "public/metadata"), { recursive: true });
fs.copyFileSync(trusted, path.join(start, "public/metadata/1.root.json"));
const returning = newClient(path.join(folder, "returning"), start);
await session(returning, oldServer.url).refresh();

step("import says what stays, what changes, and which ceremony is next");
const repo = path.join(folder, "repo");
const text = run(stampede, ["import", repo, "--from", old.metadata, "--trust", trusted, "--targets", old.tree, "--bins", "4"]);
assert.match(text, /consistent_snapshot becomes true \(it was false\)/);
assert.match(text, /member "x-tool" of root is unknown, and stays/);
assert.match(text, /1 target leaves targets\.json/);
assert.match(text, /= role claimed stays as it is; it is terminating/);
assert.match(text, /\+ role bins: every path; roles after it are searched, too, so its bins are delegated to by path_hash_prefixes\n {2}= role unclaimed stays/);
assert.match(text, /stampede ceremony start .*repo --out PAYLOAD/);

step("the holders sign, each in its own way");
const keys = path.join(folder, "keys");
fs.mkdirSync(keys, { mode: 0o700 });
for (const [name, key] of Object.entries(holders)) fs.writeFileSync(path.join(keys, `${name}.pem`), key.pem, { mode: 0o600 });
const own = ["carl", "dora"];
if (bins) for (const name of own) run(stampede, ["key", "new", path.join(keys, name)]);
const payload = path.join(folder, "take.json");
run(stampede, ["ceremony", "start", repo, "--out", payload, "--purpose", "take over", ...(bins ? own.flatMap((name) => ["--add", `bins=${path.join(keys, `${name}.key.json`)}`]) : [])]);
const { words } = JSON.parse(run(stampede, ["ceremony", "show", payload, "--trust", trusted, "--json"]));
for (const name of ["ada", "bob", ...(bins ? own : [])]) {
	const done = spawnSync(stampede, ["ceremony", "sign", payload, "--trust", trusted, "--key", `pem:${keys}/${name}.pem`], { encoding: "utf8", input: `${words[0]} ${words[1]}\n` });
	assert.equal(done.status, 0, done.stdout + done.stderr);
}
const raw = path.join(folder, "raw");
run(stampede, ["ceremony", "export", payload, "--raw", raw]);
const document = fs.readdirSync(raw).find((name) => name.includes("root"));
run("openssl", ["dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-sign", path.join(keys, "rita.pem"), "-out", path.join(folder, "rita.raw"), path.join(raw, document)]);
run(stampede, ["ceremony", "add", payload, "--document", "root", "--keyid", holders.rita.keyid, "--raw", path.join(folder, "rita.raw")]);
const signatures = fs.readdirSync(folder).filter((name) => /^take\.json\..*sig$/.test(name)).map((name) => path.join(folder, name));
const early = spawnSync(stampede, ["sign", repo], { encoding: "utf8" });
assert.equal(early.status, 3);
run(stampede, ["ceremony", "finish", repo, payload, ...signatures]);
sign(repo);

step("clients follow, and find what is ours, what is claimed, and what others list");
const metadata = path.join(repo, "public/metadata");
const read = (name) => JSON.parse(fs.readFileSync(path.join(metadata, name), "utf8")).signed;
assert.deepEqual(read("3.root.json")["x-tool"], { any: [1, "thing"] });
assert.deepEqual(read("2.targets.json").delegations.roles.map((item) => item.name), ["claimed", "bins", "unclaimed"]);
assert.equal(read("1.bins.json").version, 1);
const server = await serve(path.join(repo, "public"));
const found = { "a.txt": "alpha", "claimed/c.txt": "c", "other.txt": "o" };
for (const target of ["claimed/c.txt", "other.txt"]) {
	const file = path.join(repo, "public/targets", path.dirname(target), `${sha256(found[target])}.${path.basename(target)}`);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, found[target]);
}
const clients = [returning, newClient(path.join(folder, "fresh"), start)];
async function follow() {
	for (const client of clients) {
		const updater = session(client, server.url);
		for (const [target, bytes] of Object.entries(found)) await fetchTarget(updater, client, target, Buffer.from(bytes));
	}
}
await follow();
verify(repo, "--targets");

step("a yearly ceremony keeps the foreign delegations");
const yearly = path.join(folder, "yearly.json");
fs.copyFileSync(path.join(metadata, "3.root.json"), trusted);
run(stampede, ["ceremony", "start", repo, "--out", yearly, "--purpose", "yearly", "--renew", "targets"]);
const shown = JSON.parse(run(stampede, ["ceremony", "show", yearly, "--trust", trusted, "--json"]));
const done = spawnSync(stampede, ["ceremony", "sign", yearly, "--trust", trusted, "--key", `pem:${keys}/bob.pem`], { encoding: "utf8", input: `${shown.words[0]} ${shown.words[1]}\n` });
assert.equal(done.status, 0, done.stderr);
run(stampede, ["ceremony", "finish", repo, yearly, ...fs.readdirSync(folder).filter((name) => /^yearly\.json\..*sig$/.test(name)).map((name) => path.join(folder, name))]);
sign(repo);
assert.deepEqual(read("3.targets.json").delegations, read("2.targets.json").delegations);
await follow();
server.close();
oldServer.close();
