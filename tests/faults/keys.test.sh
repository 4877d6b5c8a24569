#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory that flips a bit between signing and publishing, keys that others could read, and the audit log
# of the online key.
. "$(dirname "$0")/lib.sh"

index 200
init repo --targets index --bins 64
sign_is 0 repo --json
before=$(cat repo/public/metadata/timestamp.json)

# One bit of one bin flips after it was signed: refused with its name, readers keep what they have.
for passage in 1 33 64; do
	STAMPEDE_FAULT_POINT=sign.flip:$passage:EIO sign_is 3 repo
	says 'sign: [0-9]+\.bin-n-[0-9a-f]{2}\.json: the signature does not match the bytes'
	[ "$(cat repo/public/metadata/timestamp.json)" = "$before" ] || fail 'published a flipped bit'
	verified repo
done
# A table of points that is wrong by one bit: the signer compares with libsodium before it signs.
if grep -qw avx512ifma /proc/cpuinfo; then
	STAMPEDE_FAULT_POINT=sign.entry:1:EIO sign_is 3 repo
	says "sign: online key: this processor's vector arithmetic gives other points than libsodium"
	[ "$(cat repo/public/metadata/timestamp.json)" = "$before" ] || fail 'published a wrong point'
fi
sign_is 0 repo --json
verified repo

# A key that others may read is not used, and the message says how to fix that.
for key in online.pem ledger.key; do
	chmod 640 "repo/keys/$key"
	sign_is 2 repo
	says "keys: $key: the key file is open to others \(mode 0640\); chmod 600 it"
	chmod 600 "repo/keys/$key"
done
chmod 755 repo/keys
sign_is 2 repo
says 'the key folder is open to others \(mode 0755\); chmod 700 it'
chmod 700 repo/keys
mv repo/keys/online.pem repo/keys/real.pem
ln -s real.pem repo/keys/online.pem
sign_is 2 repo
says 'online.pem: is a symbolic link, not a regular file'
rm repo/keys/online.pem
sign_is 2 repo
says 'keys/online.pem: is not there: restore this online key from a backup'
mv repo/keys/real.pem repo/keys/online.pem
sign_is 0 repo --json

# No byte of a key in any output, whatever the key file holds.
cp repo/keys/online.pem good.pem
sed 's/^M/?/' good.pem >repo/keys/online.pem
sign_is 2 repo
secret=$(sed -n 2p good.pem)
grep -qF "${secret:30:16}" out err && fail 'a message holds a part of the key'
cp good.pem repo/keys/online.pem
chmod 600 repo/keys/online.pem

# The audit log only grows: its lines are still there after a run that works, one that fails, and one
# that dies.
cp repo/state/audit.log said
grows() {
	cmp -s -n "$(stat -c %s said)" said repo/state/audit.log || fail "audit.log lost lines: $1"
	cp repo/state/audit.log said
}
sign_is 0 repo --json
grows 'a run'
[ "$(stat -c %s said)" -gt 0 ] || fail 'audit.log is empty'
STAMPEDE_FAULT_POINT=publish.barrier:1:EIO sign_is 3 repo
grows 'a run that failed'
STAMPEDE_FAULT_POINT=publish.renamed "$STAMPEDE" sign repo --quiet >/dev/null 2>&1 || true
grows 'a run that died'
# It is only ever appended to: that works even if the file system refuses everything else.
if chattr +a repo/state/audit.log 2>/dev/null; then
	lines=$(wc -l <repo/state/audit.log)
	sign_is 0 repo --json
	[ "$(wc -l <repo/state/audit.log)" -gt "$lines" ] || fail 'no line was appended'
	got=0
	"$STAMPEDE" gc repo --audit 1m --now "$(date -u -d '+1 day' +%FT%TZ)" >out 2>err || got=$?
	[ "$got" = 3 ] || fail "gc on an append-only log: exit $got"
	says 'audit: audit.log: cannot put in place: Operation not permitted'
	grows 'gc on an append-only log'
	chattr -a repo/state/audit.log
fi

# Every file that the online key signed in the last run is in the audit log, once, with the digest
# that follows from the file itself; no line names a user, host or path.
sign_is 0 repo --json
version=$(grep -oE '"snapshot":[0-9]+' out | cut -d : -f 2)
[ "$(grep -cE " $version [0-9a-f]{64}\$" repo/state/audit.log)" = 66 ] ||
	fail "audit.log does not name 64 bins, snapshot and timestamp of version $version"
command -v openssl >/dev/null && command -v python3 >/dev/null || exit 0
public=$(openssl pkey -in repo/keys/online.pem -pubout -outform DER | tail -c 32 |
	python3 -c 'import sys; print(sys.stdin.buffer.read().hex())')
python3 - "$public" "$version" <<'END' || fail 'a digest of audit.log is not that of its file'
import hashlib, json, sys
public, version = sys.argv[1], sys.argv[2]
logged = {}
for line in open("repo/state/audit.log"):
    time, role, number, digest = line.split()
    if number == version:
        logged[role] = digest
for role, digest in logged.items():
    name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
    data = open(f"repo/public/metadata/{name}", "rb").read()
    sig = json.loads(data)["signatures"][0]["sig"]
    body = data[data.index(b'"signed":') + 9:-1]
    found = hashlib.sha512(bytes.fromhex(sig[:64] + public) + body).hexdigest()[:64]
    if found != digest:
        sys.exit(f"{role}: {digest} in the log, {found} in the file")
END
