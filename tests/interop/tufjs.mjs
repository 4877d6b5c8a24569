// SPDX-License-Identifier: Apache-2.0
//
// tufjs.mjs PROFILE BINS [INIT OPTIONS…]: tuf-js as a real client of a repository with that layout.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import {
	binOf, digest, fetchTarget, filesOf, init, makeIndex, newClient, scratch, serve, session, sign, verify,
} from "./repository.mjs";

const [profile, binsText, ...options] = process.argv.slice(2);
const bins = Number(binsText);
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const metadata = path.join(repo, "public/metadata");
const algorithms = { sha256: "sha256", sha512: "sha512" };

const bytesOf = (target) => fs.readFileSync(path.join(index, target));
const published = () => JSON.parse(fs.readFileSync(path.join(metadata, "timestamp.json"), "utf8"));
const step = (text) => console.log(`- ${text}`);

makeIndex(index, "--count", "120", "--sizes", "small", "--seed", "3");
init(repo, index, "--profile", profile, "--bins", binsText, ...options);
const first = sign(repo);
assert.equal(first.targets, 120);
assert.equal(first.bins, bins);
verify(repo);
const server = await serve(path.join(repo, "public"));
const old = newClient(path.join(folder, "old"), repo);

step("a fresh client finds every target with its length and digests, and downloads some");
{
	const updater = session(old, server.url);
	const targets = filesOf(index);
	await updater.refresh();
	for (const target of targets) {
		const info = await updater.getTargetInfo(target);
		assert.ok(info, target);
		assert.equal(info.length, bytesOf(target).length);
		for (const [name, hex] of Object.entries(info.hashes))
			assert.equal(hex, digest(algorithms[name], bytesOf(target)));
		assert.ok(Object.keys(info.hashes).length >= 1);
	}
	for (let i = 0; i < targets.length; i += 9)
		await fetchTarget(updater, old, targets[i], bytesOf(targets[i]));
}

step("a target that is not there is not found");
for (const missing of ["packages/nothing-1.0.whl", "simple", "../stampede.json", ""])
	assert.equal(await session(old, server.url).getTargetInfo(missing), undefined, missing);

step("the update after adding, changing and removing files");
const pages = filesOf(path.join(index, "simple")).map((name) => `simple/${name}`);
const packages = filesOf(path.join(index, "packages")).map((name) => `packages/${name}`);
const [changed, removed, kept] = [pages[0], packages[0], packages[1]];
const added = "packages/zz/new_project-1.0-py3-none-any.whl";
const oldTimestamp = fs.readFileSync(path.join(metadata, "timestamp.json"));
const oldPage = bytesOf(changed);
fs.writeFileSync(path.join(index, changed), Buffer.concat([oldPage, Buffer.from("<!-- new -->\n")]));
fs.mkdirSync(path.dirname(path.join(index, added)), { recursive: true });
fs.writeFileSync(path.join(index, added), "a new distribution\n");
fs.rmSync(path.join(index, removed));
const second = sign(repo);
assert.equal(second.targets, 120);
assert.equal(second.files_removed, 1);
verify(repo);
{
	const updater = session(old, server.url);
	await updater.refresh();
	await fetchTarget(updater, old, changed, bytesOf(changed));
	await fetchTarget(updater, old, added, bytesOf(added));
	await fetchTarget(updater, old, kept, bytesOf(kept));
	assert.equal(await updater.getTargetInfo(removed), undefined);
}

step("a re-sign of an unchanged index hashes nothing, and the client follows");
{
	const before = published().signed.version;
	sign(repo);
	assert.ok(published().signed.version > before);
	const updater = session(old, server.url);
	await fetchTarget(updater, old, kept, bytesOf(kept));
}

step("a bin with one other byte is refused");
{
	const snapshot = JSON.parse(
		fs.readFileSync(path.join(metadata, `${published().signed.meta["snapshot.json"].version}.snapshot.json`)),
	);
	const name = `${binOf(kept, bins)}.json`;
	const url = `/metadata/${snapshot.signed.meta[name].version}.${name}`;
	const lying = newClient(path.join(folder, "bin"), repo);
	for (const lie of [
		(body) => Buffer.from(body.toString().replace(/"length":(\d)/, (_, d) => `"length":${(Number(d) % 9) + 1}`)),
		(body) => Buffer.from(body.toString().replace(/"sig":"./, '"sig":"0').replace(/"sig":"(..)/, '"sig":"ff')),
		(body) => body.subarray(0, body.length / 2),
		() => Buffer.from("{}"),
		() => null,
	]) {
		server.lies.set(url, lie);
		await assert.rejects(session(lying, server.url).getTargetInfo(kept));
	}
	server.lies.clear();
	assert.ok(await session(lying, server.url).getTargetInfo(kept), "true again");
}

step("a target with other bytes is refused");
{
	const lying = newClient(path.join(folder, "target"), repo);
	const updater = session(lying, server.url);
	const info = await updater.getTargetInfo(kept);
	const { dir, base } = path.parse(kept);
	for (const hex of Object.values(info.hashes)) {
		const url = `/targets/${dir}/${hex}.${base}`;
		server.lies.set(url, (body) => {
			const other = Buffer.from(body);
			other[other.length >> 1] ^= 1;
			return other;
		});
	}
	await assert.rejects(updater.downloadTarget(info, path.join(lying.targetDir, "refused")));
	assert.ok(!fs.existsSync(path.join(lying.targetDir, "refused")));
	server.lies.clear();
	await fetchTarget(updater, lying, kept, bytesOf(kept));
}

step("an older timestamp is refused by a client that saw a newer one");
{
	server.lies.set("/metadata/timestamp.json", () => oldTimestamp);
	await assert.rejects(session(old, server.url).refresh());
	server.lies.clear();
	await session(old, server.url).refresh();
}

server.close();
console.log(`${profile}, ${bins} bins: tuf-js agrees`);
