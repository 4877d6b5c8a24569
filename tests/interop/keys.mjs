// SPDX-License-Identifier: Apache-2.0
//
// Keys for tests, made by node's crypto: NAME.pem with NAME.key.json beside it.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/** Canonical JSON of values without control characters, but with the line feeds of PEM keys raw. */
export function canonical(value) {
	if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
	if (value && typeof value === "object")
		return `{${Object.keys(value).sort().map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
	if (typeof value === "string") return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
	return JSON.stringify(value);
}

/** The TUF key object of a public key. */
export function keyObject(publicKey) {
	if (publicKey.asymmetricKeyType === "ed25519") {
		const der = publicKey.export({ format: "der", type: "spki" });
		return { keytype: "ed25519", keyval: { public: der.subarray(-32).toString("hex") }, scheme: "ed25519" };
	}
	return { keytype: "ecdsa", keyval: { public: publicKey.export({ format: "pem", type: "spki" }) }, scheme: "ecdsa-sha2-nistp256" };
}

export const keyidOf = (object) => crypto.createHash("sha256").update(canonical(object)).digest("hex");

/** Makes folder/name.pem and folder/name.key.json; returns { keyid, pem, json }. type: ed25519 or p256. */
export function makeKey(folder, name, type = "ed25519", { secret = folder } = {}) {
	const { privateKey, publicKey } = type === "p256"
		? crypto.generateKeyPairSync("ec", { namedCurve: "prime256v1" })
		: crypto.generateKeyPairSync("ed25519");
	const object = keyObject(publicKey);
	const signed = { _type: "stampede-key", format: 1, holder: "", key: object, made: "2026-11-22T04:00:00Z", name };
	const message = Buffer.from(canonical(signed));
	const sig = crypto.sign(type === "p256" ? "sha256" : null, message, privateKey).toString("hex");
	const keyid = keyidOf(object);
	const pem = path.join(secret, `${name}.pem`);
	const json = path.join(folder, `${name}.key.json`);
	fs.writeFileSync(pem, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
	fs.writeFileSync(json, canonical({ signatures: [{ keyid, sig }], signed }).replaceAll("\n", "\\n"));
	return { keyid, pem, json };
}
