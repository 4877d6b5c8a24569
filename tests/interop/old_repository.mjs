// SPDX-License-Identifier: Apache-2.0
//
// Repositories as other TUF tools write them, made by hand: keys, documents and their layout. Each
// document can be changed before it is signed.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/** Canonical JSON (OLPC): sorted keys, no white space; line feeds of PEM keys stay raw. */
export function canonical(value) {
	if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
	if (value && typeof value === "object")
		return `{${Object.keys(value).sort().map((key) => `"${key}":${canonical(value[key])}`).join(",")}}`;
	return typeof value === "string" ? `"${value.replace(/[\\"]/g, "\\$&")}"` : JSON.stringify(value);
}
export const sha256 = (bytes) => crypto.createHash("sha256").update(bytes).digest("hex");

/** A key of a kind of a tool: { object, keyid, sign, pem }. extra joins the object, before or after its keyid is computed. */
export function newKey(kind = "ed25519", { extra = {}, inKeyid = false } = {}) {
	const pair =
		kind === "ed25519"
			? crypto.generateKeyPairSync("ed25519")
			: kind === "rsa"
				? crypto.generateKeyPairSync("rsa", { modulusLength: 2048 })
				: crypto.generateKeyPairSync("ec", { namedCurve: "prime256v1" });
	const pem = pair.publicKey.export({ format: "pem", type: "spki" });
	const core = {
		ed25519: () => ({ keytype: "ed25519", scheme: "ed25519", keyval: { public: pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex") } }),
		rsa: () => ({ keytype: "rsa", scheme: "rsassa-pss-sha256", keyval: { public: pem } }),
		ecdsa: () => ({ keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", keyval: { public: pem } }),
		"go-ecdsa": () => ({ keytype: "ecdsa-sha2-nistp256", scheme: "ecdsa-sha2-nistp256", keyval: { public: pem } }),
	}[kind]();
	const object = { ...core, ...extra };
	return {
		object,
		keyid: sha256(canonical(inKeyid ? object : core)),
		pem: pair.privateKey.export({ format: "pem", type: "pkcs8" }),
		sign(bytes) {
			if (kind === "ed25519") return crypto.sign(null, bytes, pair.privateKey).toString("hex");
			if (kind === "rsa")
				return crypto
					.sign("sha256", bytes, { key: pair.privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
					.toString("hex");
			return crypto.sign("sha256", bytes, pair.privateKey).toString("hex");
		},
	};
}

export const role = (keys, threshold = 1) => ({ keyids: keys.map((key) => key.keyid), threshold });
export const keysOf = (...groups) => Object.fromEntries(groups.flat().map((key) => [key.keyid, key.object]));
export const envelope = (signed, keys) => ({ signatures: keys.map((key) => ({ keyid: key.keyid, sig: key.sign(Buffer.from(canonical(signed))) })), signed });

/** A tool's layout of a file. */
export const layouts = {
	pretty: (document) => JSON.stringify(document, null, 1),
	tuftool: (document) => `${JSON.stringify(document, null, 2)}\n`,
	compact: (document) => canonical(document).replace(/\n/g, "\\n"),
};

/**
 * A repository below folder: `${folder}/metadata`, `${folder}/targets` (files without hashes).
 * keys: { root, targets, snapshot, timestamp } arrays. Returns what tests change and write again.
 */
export class OldRepository {
	constructor(folder, { keys, layout = "pretty", consistent = true, rootThreshold = 1, spec = "1.0.31", extraRoot = {}, extraTargets = {} }) {
		Object.assign(this, { folder, keys, layout: layouts[layout], consistent, rootThreshold, spec, extraRoot, extraTargets });
		this.metadata = path.join(folder, "metadata");
		this.tree = path.join(folder, "index");
		this.expires = "2040-01-01T00:00:00Z";
		this.versions = { root: 0, targets: 0, snapshot: 0, timestamp: 0 };
		this.delegations = undefined; // of targets
		this.roles = new Map(); // name → { signed, keys }: delegated roles
		this.retired = new Map(); // names that the snapshot lists, with their versions
		this.targets = {}; // of targets.json itself
		fs.mkdirSync(this.metadata, { recursive: true });
		fs.mkdirSync(this.tree, { recursive: true });
	}

	/** Writes a file; its name has a version when snapshots are consistent (roots: always). */
	write(role_, signed, keys, always = false) {
		const bytes = Buffer.from(this.layout(envelope(signed, keys)));
		const name = this.consistent || always ? `${signed.version}.${role_}.json` : `${role_}.json`;
		fs.writeFileSync(path.join(this.metadata, name), bytes);
		return bytes;
	}

	/** The next root; change(signed) alters it before it is signed by signers. */
	root({ change = () => {}, signers = this.keys.root, expires = this.expires } = {}) {
		const { root, targets, snapshot, timestamp } = this.keys;
		const signed = {
			_type: "root",
			...(this.consistent === null ? {} : { consistent_snapshot: this.consistent }),
			expires,
			keys: keysOf(root, targets, snapshot, timestamp),
			roles: { root: role(root, this.rootThreshold), targets: role(targets), snapshot: role(snapshot), timestamp: role(timestamp) },
			spec_version: this.spec,
			version: ++this.versions.root,
			...this.extraRoot,
		};
		change(signed);
		return this.write("root", signed, signers, true);
	}

	/** An entry of targets, and its file in the tree. */
	entry(target, text) {
		const file = path.join(this.tree, target);
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(file, text);
		return { length: Buffer.byteLength(text), hashes: { sha256: sha256(text) } };
	}

	/** A delegated role with its targets. */
	delegate(name, keys, targets, { version = 1, delegations, extra = {}, expires = this.expires } = {}) {
		this.roles.set(name, { keys, signed: { _type: "targets", expires, spec_version: this.spec, targets, version, ...(delegations ? { delegations } : {}), ...extra } });
	}

	/** Targets, delegated roles, snapshot and timestamp, in new versions. */
	publish({ change = {}, omit = [] } = {}) {
		const meta = {};
		const bytes = {};
		const targets = {
			_type: "targets",
			expires: this.expires,
			spec_version: this.spec,
			targets: this.targets,
			version: ++this.versions.targets,
			...(this.delegations ? { delegations: this.delegations } : {}),
			...this.extraTargets,
		};
		change.targets?.(targets);
		bytes.targets = this.write("targets", targets, this.keys.targets);
		meta["targets.json"] = { version: targets.version };
		for (const [name, item] of this.roles) {
			if (!omit.includes(name)) bytes[name] = this.write(name, item.signed, item.keys);
			meta[`${name}.json`] = { version: item.signed.version };
		}
		for (const [name, version] of this.retired) meta[`${name}.json`] = { version };
		const snapshot = { _type: "snapshot", expires: this.expires, meta, spec_version: this.spec, version: ++this.versions.snapshot };
		change.snapshot?.(snapshot);
		bytes.snapshot = this.write("snapshot", snapshot, this.keys.snapshot);
		const timestamp = {
			_type: "timestamp",
			expires: this.expires,
			meta: { "snapshot.json": { version: snapshot.version } },
			spec_version: this.spec,
			version: (this.versions.timestamp += 1),
		};
		change.timestamp?.(timestamp, bytes.snapshot);
		bytes.timestamp = Buffer.from(this.layout(envelope(timestamp, this.keys.timestamp)));
		fs.writeFileSync(path.join(this.metadata, "timestamp.json"), bytes.timestamp);
		return bytes;
	}

	/** A root that the operator kept. */
	trusted(version = 1) {
		const file = path.join(this.folder, "trusted.root.json");
		fs.copyFileSync(path.join(this.metadata, `${version}.root.json`), file);
		return file;
	}

	/** The keys' PEM files, as --offline-keys expects them. */
	offline(...roles) {
		const folder = path.join(this.folder, "offline");
		fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
		for (const name of roles)
			this.keys[name].forEach((key, i) => fs.writeFileSync(path.join(folder, `${name}-${i + 1}.pem`), key.pem, { mode: 0o600 }));
		return folder;
	}
}
