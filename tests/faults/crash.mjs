// SPDX-License-Identifier: Apache-2.0
//
// crash.mjs points|errors|kills [COUNT [FILES]]: what readers see while sign dies or is refused at every
// step, followed by one tuf-js client from the first version to the last.
//
//   points  killed at every fault point that a run passes (first, middle and last passage)
//   errors  every point fails with ENOSPC or EIO: an error, nothing half published, the next run succeeds
//   kills   COUNT times killed at a random moment, over an index of FILES files in four bins: with
//           1200, bins are larger than 32 KiB and go through the threads that bypass the cache
//
// After each death: the client updates without an error; no published file's bytes changed under
// its name; no version was used for other bytes. After each next run: it succeeds, the client
// follows, verify has no findings.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { digest, filesOf, init, makeIndex, newClient, scratch, serve, session, sign, verify } from "../interop/repository.mjs";

const [mode, countText, filesText] = process.argv.slice(2);
const stampede = process.env.STAMPEDE;
const folder = scratch();
const index = path.join(folder, "index");
const repo = path.join(folder, "repo");
const metadata = path.join(repo, "public/metadata");
const trace = path.join(folder, "trace");

/** Everything ever published: name → digest. timestamp.json is the one name that may change. */
const seen = new Map();
const timestamps = new Map();
let highest = 0;

function checkPublished(what) {
	for (const name of filesOf(path.join(repo, "public"))) {
		const bytes = fs.readFileSync(path.join(repo, "public", name));
		const is = digest("sha256", bytes);
		const known = name === "metadata/timestamp.json" ? timestamps : seen;
		let key = name;
		if (known === timestamps) {
			key = JSON.parse(bytes).signed.version;
			assert.ok(key >= highest, `${what}: timestamp went down from ${highest} to ${key}`);
			highest = key;
		}
		assert.ok(!known.has(key) || known.get(key) === is, `${what}: ${name} changed its bytes`);
		known.set(key, is);
	}
}

makeIndex(index, "--count", filesText ?? "60", "--sizes", "small");
init(repo, index, "--bins", "4");
sign(repo);
checkPublished("first run");
const server = await serve(path.join(repo, "public"));
const client = newClient(path.join(folder, "client"), repo);
const page = filesOf(path.join(index, "simple"))[0];
const pagePath = path.join(index, "simple", page);
let signedPage = fs.readFileSync(pagePath);
let step = 0;

/** Changes the index: a page changes, a file is added, now and then one is removed or a large one added. */
function change() {
	step++;
	if (step % 8 === 0) fs.writeFileSync(path.join(index, `large-${step}.whl`), Buffer.alloc(4 << 20, step));
	if (step % 8 === 0) fs.rmSync(path.join(index, `large-${step - 8}.whl`), { force: true });
	fs.writeFileSync(pagePath, `page ${step}\n`);
	fs.writeFileSync(path.join(index, `new-${step}.whl`), `file ${step}\n`.repeat(step % 50));
	if (step % 3 === 0) fs.rmSync(path.join(index, `new-${step - 1}.whl`), { force: true });
}

/** The client updates, and finds the page as one of the versions that may be published. */
async function followClient(what, ...allowed) {
	const updater = session(client, server.url);
	await updater.refresh();
	const info = await updater.getTargetInfo(`simple/${page}`);
	assert.ok(info, `${what}: the page is a target`);
	const hash = Object.values(info.hashes)[0];
	const found = allowed.find((bytes) => digest("sha512", bytes) === hash);
	assert.ok(found, `${what}: the page is neither the old nor the new one`);
	const file = path.join(client.targetDir, "page");
	fs.rmSync(file, { force: true });
	await updater.downloadTarget(info, file);
	assert.deepEqual(fs.readFileSync(file), found, what);
	return found;
}

/** After a death or a refusal: readers still work, and the next run completes the work. */
async function recover(what) {
	const fresh = fs.readFileSync(pagePath);
	checkPublished(what);
	await followClient(what, signedPage, fresh);
	sign(repo);
	checkPublished(`${what}, next run`);
	signedPage = await followClient(`${what}, next run`, fresh);
	verify(repo);
	const leftovers = filesOf(repo).filter((name) => path.basename(name).startsWith(".tmp-"));
	assert.deepEqual(leftovers, [], `${what}: temporary files stay behind`);
}

function signWith(point) {
	return spawnSync(stampede, ["sign", repo, "--quiet"], {
		encoding: "utf8",
		env: { ...process.env, STAMPEDE_FAULT_POINT: point },
	});
}

/** The points a run passes: [name, passages]. */
function passages() {
	change();
	fs.rmSync(trace, { force: true });
	const done = spawnSync(stampede, ["sign", repo, "--quiet"], {
		encoding: "utf8",
		env: { ...process.env, STAMPEDE_FAULT_TRACE: trace },
	});
	assert.equal(done.status, 0, done.stderr);
	signedPage = fs.readFileSync(pagePath);
	checkPublished("traced run");
	const counts = new Map();
	for (const name of fs.readFileSync(trace, "utf8").trim().split("\n"))
		counts.set(name, (counts.get(name) ?? 0) + 1);
	counts.delete("sign.flip");
	counts.delete("sign.entry");
	assert.ok(counts.size >= 20, `only ${counts.size} fault points: is this a test build?`);
	return [...counts].sort();
}

async function diePoints() {
	let deaths = 0;
	for (const [name, count] of passages()) {
		for (const nth of new Set([1, Math.ceil(count / 2), count])) {
			change();
			const what = `killed at ${name}:${nth}`;
			const done = signWith(`${name}:${nth}`);
			/* The last passages of a longer run may not be reached in a shorter one. */
			if (done.signal === "SIGKILL") deaths++;
			else assert.equal(done.status, 0, `${what}: ${done.stderr}`);
			await recover(what);
		}
	}
	assert.ok(deaths >= 30, `only ${deaths} deaths`);
	console.log(`${deaths} deaths, 0 client failures`);
}

async function failPoints() {
	const timestamp = path.join(repo, "public/metadata/timestamp.json");
	let failures = 0;
	for (const [name] of passages()) {
		for (const errno of ["ENOSPC", "EIO"]) {
			change();
			const what = `${name} fails with ${errno}`;
			const before = fs.readFileSync(timestamp);
			const done = signWith(`${name}:1:${errno}`);
			const published = !fs.readFileSync(timestamp).equals(before);
			if (name.startsWith("report.")) {
				assert.equal(done.status, 0, `${what}: the report only informs: ${done.stderr}`);
			} else {
				failures++;
				/* A failure after the commit reports that the run was published nevertheless. */
				assert.equal(done.status, published ? 4 : 3, `${what}: ${done.stderr}`);
				assert.equal(/was published before that/.test(done.stderr), published, `${what}: ${done.stderr}`);
				assert.match(done.stderr, /^stampede: \w+: .+: .*(No space left|Input\/output error)/m, what);
			}
			await recover(what);
		}
	}
	assert.ok(failures >= 30, `only ${failures} failures`);
	console.log(`${failures} refusals, 0 client failures`);
}

/**
 * One run whose steps take slow microseconds longer, killed after delay milliseconds; resolves to
 * whether the kill came before its end.
 */
function killAfter(delay, slow) {
	fs.rmSync(trace, { force: true });
	return new Promise((resolve) => {
		const child = spawn(stampede, ["sign", repo, "--quiet"], {
			stdio: "ignore",
			env: { ...process.env, STAMPEDE_FAULT_TRACE: trace, STAMPEDE_FAULT_SLOW: String(slow) },
		});
		const timer = setTimeout(() => child.kill("SIGKILL"), delay);
		child.on("exit", (code, signal) => {
			clearTimeout(timer);
			assert.ok(signal === "SIGKILL" || code === 0, `exit status ${code}`);
			resolve(signal === "SIGKILL");
		});
	});
}

/** The last step that the killed run passed, without the passage: where it died. */
function lastStep() {
	const passed = fs.existsSync(trace) ? fs.readFileSync(trace, "utf8").trim() : "";
	return passed ? passed.slice(passed.lastIndexOf("\n") + 1) : "start, scan, hash";
}

/** Removes old versions, so that comparing all published files stays fast; keeps their digests. */
function sweep() {
	const done = spawnSync(stampede, ["gc", repo, "--grace", "0m", "--keep", "3", "--quiet"], { encoding: "utf8" });
	assert.equal(done.status, 0, done.stderr);
}

/**
 * Kills until count runs died. Three speeds: as the machine runs, where most deaths meet scanning
 * and hashing, and two where the steps of publishing take most of the time.
 */
async function randomKills(count) {
	const steps = new Map();
	const speeds = [0, 2000, 10000].map((slow) => ({ slow, takes: null }));
	let deaths = 0;
	let runs = 0;
	let seed = Number(process.env.SEED ?? 20300101);
	const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
	for (; deaths < count && runs < 3 * count + 3; runs++) {
		const speed = speeds[runs % speeds.length];
		const begun = performance.now();
		change();
		const died = await killAfter(speed.takes ? random() * speed.takes * 1.1 : 60000, speed.slow);
		/* As long as the last run that was not killed. */
		if (!died) speed.takes = performance.now() - begun;
		deaths += died;
		if (died) steps.set(lastStep(), (steps.get(lastStep()) ?? 0) + 1);
		await recover(`kill ${runs + 1}`);
		if (runs % 10 === 9) sweep();
	}
	assert.equal(deaths, count, `only ${deaths} of ${runs} runs died`);
	assert.ok(steps.size >= Math.min(8, count / 4), `all died at the same steps: ${[...steps.keys()]}`);
	console.log(`${deaths} deaths in ${runs} runs, 0 client failures, 0 of ${seen.size} published files changed, timestamp ${highest}`);
	for (const [name, times] of [...steps].sort((a, b) => b[1] - a[1])) console.log(`  ${times} behind ${name}`);
}

if (mode === "points") await diePoints();
else if (mode === "errors") await failPoints();
else await randomKills(Number(countText ?? 40));
server.close();
