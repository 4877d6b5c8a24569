// SPDX-License-Identifier: Apache-2.0
//
// Shared by the interop tests: the built programs, a scratch folder, a static HTTP server over public/
// that can send wrong responses, and tuf-js clients.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

// tuf-js's fetcher would send even localhost through a proxy.
for (const name of ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
	delete process.env[name];

// node_modules is in the build tree, where the tests run.
export const { Updater } = createRequire(path.join(process.cwd(), "from-here.cjs"))("tuf-js");

const stampede = process.env.STAMPEDE;
const corpus = process.env.STAMPEDE_CORPUS;

/** Runs a program, asserts its exit status, returns what it printed on stdout. */
export function run(program, args, status = 0) {
	const done = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
	assert.equal(done.status, status, `${program} ${args.join(" ")}\n${done.stdout}${done.stderr}${done.error ?? ""}`);
	return done.stdout;
}

export const sign = (repo, ...options) => JSON.parse(run(stampede, ["sign", repo, "--quiet", "--json", ...options]));
export const init = (repo, index, ...options) => run(stampede, ["init", repo, "--targets", index, ...options]);
export const verify = (repo, ...options) => run(stampede, ["verify", repo, ...options]);
export const makeIndex = (folder, ...options) => run(corpus, [...options, folder]);

/** A scratch folder that is removed when the process ends. */
export function scratch() {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), "stampede-interop-"));
	process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/** Paths of all regular files below folder, relative to it, sorted. */
export function filesOf(folder) {
	const found = [];
	const walk = (below) => {
		for (const entry of fs.readdirSync(path.join(folder, below), { withFileTypes: true })) {
			const name = below ? `${below}/${entry.name}` : entry.name;
			if (entry.isDirectory()) walk(name);
			else if (entry.isFile()) found.push(name);
		}
	};
	walk("");
	return found.sort();
}

export const digest = (algorithm, bytes) => createHash(algorithm).update(bytes).digest("hex");

/** Name of the bin that holds a target path: the first bits of SHA-256(path). */
export function binOf(target, bins) {
	const bits = Math.log2(bins);
	const index = createHash("sha256").update(target).digest().readUInt32BE(0) >>> (32 - bits);
	return `bin-n-${index.toString(16).padStart((bins - 1).toString(16).length, "0")}`;
}

/**
 * Serves folder on 127.0.0.1. lies maps a URL path to a function from the true body (a Buffer, or
 * null) to what is sent (null for 404). Resolves to { url, lies, seen, close }.
 */
export function serve(folder) {
	const lies = new Map();
	const seen = [];
	const server = http.createServer((request, response) => {
		let name = new URL(request.url, "http://x").pathname;
		let body = null;
		try {
			name = decodeURIComponent(name);
		} catch {
			// A "%" that is not an escape: there is no such file.
		}
		seen.push(name);
		try {
			if (!name.split("/").includes("..")) body = fs.readFileSync(path.join(folder, name));
		} catch {
			body = null;
		}
		if (lies.has(name)) body = lies.get(name)(body);
		response.writeHead(body === null ? 404 : 200, { "content-length": body?.length ?? 0 });
		response.end(body ?? undefined);
	});
	return new Promise((resolve) => {
		server.listen(0, "127.0.0.1", () => {
			resolve({
				url: `http://127.0.0.1:${server.address().port}`,
				lies,
				seen,
				close: () => server.closeAllConnections() || server.close(),
			});
		});
	});
}

/** A client's folders: its trusted root is the repository's first, as shipped. */
export function newClient(folder, repo) {
	const client = { metadataDir: path.join(folder, "metadata"), targetDir: path.join(folder, "targets") };
	fs.mkdirSync(client.metadataDir, { recursive: true });
	fs.mkdirSync(client.targetDir, { recursive: true });
	fs.copyFileSync(path.join(repo, "public/metadata/1.root.json"), path.join(client.metadataDir, "root.json"));
	return client;
}

/** An Updater over that client's folders: one session. */
export function session(client, url) {
	return new Updater({
		...client,
		metadataBaseUrl: `${url}/metadata`,
		targetBaseUrl: `${url}/targets`,
		config: { fetchRetry: 0, fetchRetries: 0 },
	});
}

/** Looks target up, downloads it, and asserts that it is bytes. */
export async function fetchTarget(updater, client, target, bytes) {
	const info = await updater.getTargetInfo(target);
	assert.ok(info, `${target} is a target`);
	assert.equal(info.length, bytes.length);
	const file = path.join(client.targetDir, digest("sha256", Buffer.from(target)));
	await updater.downloadTarget(info, file);
	assert.deepEqual(fs.readFileSync(file), bytes, target);
}
