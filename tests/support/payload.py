#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""payload.py METADATA OUT [WISH…]: a ceremony's payload from published files, made without stampede.

WISH: renew=ROLE | add=ROLE:PUBLIC.pem:NAME | remove=ROLE:KEYID | name=KEYID:NAME | threshold=ROLE:T |
set=ROLE:PATH:JSON | first | drill=ROLE | top=MEMBER:JSON. Roles of root: root, targets.
PUBLIC.pem holds an Ed25519 or P-256 key in SPKI form. Prints the keyids that were added."""
import base64
import hashlib
import json
import os
import sys


def dump(value):
    """Canonical form, and the same as a file has it: line feeds of PEM keys escaped."""
    form = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return form


def signed_form(value):
    return dump(value).replace("\\n", "\n").encode()


def key_object(path):
    pem = open(path).read()
    der = base64.b64decode("".join(pem.strip().split("\n")[1:-1]))
    if len(der) == 44:
        return {"keytype": "ed25519", "keyval": {"public": der[12:].hex()}, "scheme": "ed25519"}
    return {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}


def newest(folder, role):
    versions = [int(n.split(".")[0]) for n in os.listdir(folder) if n.split(".", 1)[1:] == [role + ".json"]]
    return max(versions, default=0)


def read(folder, version, role):
    data = open(f"{folder}/{version}.{role}.json", "rb").read()
    return json.loads(data), {"sha256": hashlib.sha256(data).hexdigest(), "version": version}


def main():
    folder, out, wishes = sys.argv[1], sys.argv[2], [w.split("=", 1) for w in sys.argv[3:]]
    kinds = [w[0] for w in wishes]
    root_version = newest(folder, "root")
    payload = {"_type": "stampede-ceremony", "base": {}, "chain": [], "documents": [], "format": 1,
               "made": "2030-01-02T12:00:00Z", "names": {}, "purpose": "test of a ceremony", "published": {}}
    bodies = {}
    for role in ("root", "targets", "bins"):
        version = newest(folder, role)
        if version:
            file, payload["base"][role] = read(folder, version, role)
            bodies[role] = json.loads(json.dumps(file["signed"]))
            bodies[role]["version"] += 1
            bodies[role]["expires"] = "2031-06-01T00:00:00Z"
            if role != "root":
                payload["published"][role] = file
    payload["chain"] = [read(folder, v, "root")[0] for v in range(1, root_version + 1)]
    renewed = set()
    for kind, value in ((w[0], w[1] if len(w) > 1 else "") for w in wishes):
        words = value.split(":")
        body = bodies["root"]
        if kind == "renew":
            renewed.add(value)
        elif kind == "add":
            key = key_object(words[1])
            keyid = hashlib.sha256(signed_form(key)).hexdigest()
            body["keys"][keyid] = key
            body["roles"][words[0]]["keyids"].append(keyid)
            payload["names"][keyid] = {"name": words[2]}
            renewed.add("root")
            print(keyid)
        elif kind == "remove":
            body["roles"][words[0]]["keyids"].remove(words[1])
            if not any(words[1] in r["keyids"] for r in body["roles"].values()):
                del body["keys"][words[1]]
            renewed.add("root")
        elif kind == "name":
            payload["names"][words[0]] = {"name": words[1]}
        elif kind == "threshold":
            body["roles"][words[0]]["threshold"] = int(words[1])
            renewed.add("root")
        elif kind == "set":
            role, path, text = value.split(":", 2)
            at = bodies[role]
            steps = path.split(".")
            for step in steps[:-1]:
                at = at[int(step)] if isinstance(at, list) else at[step]
            at[steps[-1]] = json.loads(text)
            renewed.add(role)
        elif kind == "top":
            payload[words[0]] = json.loads(value.split(":", 1)[1])
    if "first" in kinds:
        bodies["root"]["version"] = 1
        payload.update(base={}, chain=[], published={})
    for role in ("root", "targets", "bins"):
        if role in renewed:
            name = f"{bodies[role]['version']}.{role}.json"
            payload["documents"].append({"name": name, "signed": bodies[role]})
    for kind, value in ((w[0], w[1] if len(w) > 1 else "") for w in wishes):
        if kind == "drill":
            payload["drill"] = True
            payload["documents"].append({"name": f"drill.{value}.json", "signed": {
                "_type": "stampede-drill", "made": payload["made"], "nonce": "5a" * 32, "role": value}})
    if not payload["published"]:
        del payload["published"]
    with open(out, "w", encoding="utf-8") as file:
        file.write(dump(payload))


main()
