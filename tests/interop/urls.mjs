// SPDX-License-Identifier: Apache-2.0
//
// urls.mjs: every byte that a target path may have, at every position. What sign reports as a fault
// is exactly what tuf-js cannot fetch from a server that parses URLs according to the standard.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { init, newClient, run, scratch, serve, session, sign } from "./repository.mjs";

const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const names = [];
for (let byte = 0x20; byte < 0x7f; byte++) {
	const char = String.fromCharCode(byte);
	if (char === "/" || char === '"' || char === "\\") continue;
	for (const name of [`${char}d${byte}/f`, `d${byte}${char}r/f`, `d${byte}${char}/f`, `n/${char}f${byte}`, `n/f${byte}${char}g`, `n/f${byte}${char}`])
		if (!/(^|\/)\.{1,2}(\/|$)/.test(name)) names.push(name);
}
names.push("n/%41", "n/%zz", "%2e%2e/f", "n/a%2Fb", "n/a%00b", "n/...", "n/a  b", "C:/f", "n/a;b=c");
for (const name of names) {
	fs.mkdirSync(path.join(index, path.dirname(name)), { recursive: true });
	fs.writeFileSync(path.join(index, name), `bytes of ${name}`);
}
init(repo, index, "--bins", "2", "--target-files", "all");
const faults = new Set(
	JSON.parse(run(process.env.STAMPEDE, ["sign", repo, "--quiet", "--json"], 3)).fault_list.map((fault) => fault.subject),
);
const config = path.join(repo, "stampede.json");
fs.writeFileSync(config, fs.readFileSync(config, "utf8").replace('"url_unsafe": "fault"', '"url_unsafe": "warn"'));
sign(repo);

const server = await serve(path.join(repo, "public"));
const client = newClient(path.join(folder, "client"), repo);
const updater = session(client, server.url);
let fetched = 0;
for (const name of names) {
	const info = await updater.getTargetInfo(name);
	assert.ok(info, name);
	let arrived = false;
	try {
		await updater.downloadTarget(info, path.join(client.targetDir, "file"));
		arrived = true;
	} catch {
		arrived = false;
	}
	// A "%" that is not an escape arrives here, but nginx and others refuse it: it is a fault nevertheless.
	if (!name.includes("%")) assert.equal(arrived, !faults.has(name), JSON.stringify(name));
	else assert.ok(faults.has(name), name);
	fetched += arrived;
}
server.close();
console.log(`${names.length} names, ${faults.size} of them faults, ${fetched} fetched`);
