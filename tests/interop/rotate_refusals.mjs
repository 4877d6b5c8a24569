// SPDX-License-Identifier: Apache-2.0
//
// rotate_refusals.mjs: what rotate, sign and init --update refuse about online keys, and with which words.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { init, makeIndex, scratch } from "./repository.mjs";
import { makeKey } from "./keys.mjs";

const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const other = path.join(folder, "other");
const keys = path.join(repo, "keys");
const config = path.join(repo, "stampede.json");
const step = (text) => console.log(`- ${text}`);

function stampede(status, ...args) {
	const done = spawnSync(process.env.STAMPEDE, args, { encoding: "utf8" });
	assert.equal(done.status, status, `${args.join(" ")}\n${done.stdout}${done.stderr}`);
	return done;
}
function refused(pattern, ...args) {
	const done = spawnSync(process.env.STAMPEDE, args, { encoding: "utf8" });
	assert.ok(done.status === 2 || done.status === 3, `${args.join(" ")}: ${done.status} ${done.stdout}${done.stderr}`);
	assert.match(done.stderr, pattern);
}
const refusedRun = (pattern) => refused(pattern, "sign", repo, "--quiet");
const rotate = (file, ...args) => ["rotate", repo, "--online-key", file, ...args];
const phase = () => JSON.parse(stampede(0, "rotate", repo, "--json").stdout).phase;
const edit = (change) => {
	const all = JSON.parse(fs.readFileSync(config, "utf8"));
	change(all);
	fs.writeFileSync(config, JSON.stringify(all));
};

makeIndex(index, "--count", "20", "--sizes", "small");
init(repo, index, "--bins", "4");
fs.mkdirSync(other, { mode: 0o700 });
stampede(0, "sign", repo, "--quiet");
assert.equal(phase(), "none");

step("the command line");
const good = makeKey(keys, "next");
refused(/takes one repository/, "rotate");
refused(/needs --online-key/, "rotate", repo, "--role", "bins");
refused(/--role: root is not a list of timestamp, snapshot, bins/, ...rotate(good.json, "--role", "root"));
refused(/--overlap/, ...rotate(good.json, "--overlap", "2"));

step("the new key");
refused(/next\.pem: is not named NAME\.key\.json/, ...rotate(good.pem));
refused(/nothing\.key\.json/, ...rotate(path.join(keys, "nothing.key.json")));
const unproven = makeKey(other, "unproven");
const text = JSON.parse(fs.readFileSync(unproven.json, "utf8"));
fs.writeFileSync(unproven.json, JSON.stringify({ signatures: [], signed: text.signed }));
refused(/unproven\.key\.json: is not signed by the key itself/, ...rotate(unproven.json));
const absent = makeKey(other, "absent");
fs.rmSync(absent.pem);
refused(/absent\.pem: is not there, nor is a file of that name in REPO\/keys/, ...rotate(absent.json));
const swapped = makeKey(other, "swapped");
fs.copyFileSync(good.pem, swapped.pem);
refused(/swapped\.pem: is key [0-9a-f]{16}…, but .*swapped\.key\.json describes [0-9a-f]{16}…/, ...rotate(swapped.json));
const readable = makeKey(other, "readable");
fs.chmodSync(readable.pem, 0o644);
refused(/readable\.pem/, ...rotate(readable.json));
const wide = makeKey(other, "wide", "p256");
refused(/wide\.pem/, ...rotate(wide.json));
stampede(0, ...rotate(wide.json, "--role", "timestamp,snapshot", "--dry-run", "--quiet"));
const offline = path.join(folder, "offline");
fs.mkdirSync(offline, { mode: 0o700 });
refused(/root: 0 of its keys are in the offline folder, but 2 must sign/, ...rotate(good.json, "--offline-keys", offline));
assert.equal(phase(), "none");

step("an offline key is not an online one");
const both = makeKey(other, "both");
const rooted = path.join(repo, "offline-keys/root-1.pem");
fs.copyFileSync(both.pem, rooted);
stampede(0, "init", repo, "--update", "--yes", "--roles", "root", "--quiet");
const never = /both\.key\.json: signs root, and an offline key is never an online key; make one with: stampede key new REPO\/keys\/NAME/;
refused(never, ...rotate(both.json));
fs.rmSync(both.pem);
refused(never, ...rotate(both.json));

step("without offline keys");
fs.renameSync(path.join(repo, "offline-keys"), path.join(folder, "away"));
refused(/there are no offline keys here: make a payload for their holders with --out/, ...rotate(good.json));
fs.renameSync(path.join(folder, "away"), path.join(repo, "offline-keys"));

step("a dry run shows, and stages nothing");
const shown = stampede(0, ...rotate(good.json, "--dry-run")).stderr;
assert.match(shown, /root 2 → 3/);
assert.match(shown, new RegExp(`\\+ ${good.keyid.slice(0, 16)}… ed25519  may sign from now on: timestamp`));
assert.equal(phase(), "none");

step("signers of stampede.json");
edit((all) => { all.signers = { timestamp: "agent:SHA256:x" }; });
refused(/"signers\.timestamp": "agent:SHA256:x" is not a signer of this version; use "pem:PATH"/, "sign", repo);
edit((all) => { all.signers = { timestamp: "pem:../x.pem" }; });
refused(/"signers\.timestamp": "pem:\.\.\/x\.pem" leaves the repository/, "sign", repo);
edit((all) => { all.signers = { root: "pem:x" }; });
refused(/"signers\.root": is not a known field/, "sign", repo);
edit((all) => { all.signers = { bin_n: "pem:keys/lost.pem" }; });
refused(/lost\.pem/, "sign", repo);
edit((all) => { all.signers = { snapshot: `pem:${wide.pem}` }; });
refused(/wide\.pem: is key [0-9a-f]{16}…, but [0-9a-f]{16}… is published for snapshot/, "sign", repo);
edit((all) => { all.signers = { bin_n: `pem:${wide.pem}` }; });
refused(/wide\.pem/, "sign", repo);
edit((all) => { delete all.signers; });
stampede(0, "sign", repo, "--quiet");

step("state/rotation.json is sealed");
stampede(0, ...rotate(good.json, "--quiet", "--overlap", "0h"));
assert.equal(phase(), "staged");
const state = path.join(repo, "state/rotation.json");
const sealed = fs.readFileSync(state, "utf8");
fs.writeFileSync(state, sealed.replace('"overlap_seconds": 0', '"overlap_seconds": 1'));
refusedRun(/state\/rotation\.json: its seal does not match keys\/ledger\.key/);
fs.writeFileSync(state, "{}");
refusedRun(/state\/rotation\.json: is damaged/);
fs.writeFileSync(state, sealed);

step("so are the documents that wait");
const root = path.join(repo, "state/staged/3.root.json");
const waiting = fs.readFileSync(root);
const bins = path.join(repo, "state/staged", fs.readdirSync(path.join(repo, "state/staged")).find((name) => name.endsWith(".bins.json")));
const delegation = fs.readFileSync(bins);
fs.appendFileSync(bins, " ");
refusedRun(/bins\.json: in state\/staged is not the document that was staged/);
fs.writeFileSync(bins, delegation);
fs.writeFileSync(path.join(repo, "public/metadata/3.root.json"), "{}");
refusedRun(/3\.root\.json: is in public\/metadata, but is not the one that the rotation has staged/);
fs.rmSync(path.join(repo, "public/metadata/3.root.json"));

step("the old key is needed until clients know the new one");
fs.renameSync(path.join(keys, "online.pem"), path.join(folder, "online.pem"));
refusedRun(/online\.pem/);
fs.copyFileSync(unproven.pem, path.join(keys, "online.pem"));
refusedRun(/keys\/online\.pem: is not key [0-9a-f]{16}…, with which the rotation that is under way began/);
fs.renameSync(path.join(folder, "online.pem"), path.join(keys, "online.pem"));
assert.deepEqual(fs.readFileSync(root), waiting);
stampede(0, "sign", repo, "--quiet");
stampede(0, "sign", repo, "--quiet");
assert.equal(phase(), "done");
assert.equal(fs.existsSync(path.join(keys, "online.pem")), false);
assert.equal(fs.existsSync(path.join(repo, "state/staged")), false);
refused(/next\.key\.json: signs (bin-n|snapshot|timestamp) already/, ...rotate(good.json));

step("a file that has the old name but another key stays");
fs.copyFileSync(unproven.pem, path.join(keys, "online.pem"));
stampede(0, "sign", repo, "--quiet");
assert.ok(fs.existsSync(path.join(keys, "online.pem")));
