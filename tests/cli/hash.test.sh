#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# hash prints what sha512sum, sha256sum and cksum print and check, the same bytes for every number
# of jobs and every back end.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
die() { echo "hash.test: $*" >&2; exit 1; }

"$STAMPEDE_CORPUS" --count 300 --sizes 20000 tree >/dev/null 2>&1
: >tree/empty
head -c 3000000 /dev/zero >tree/large
printf x >$'tree/new\nline'
printf y >'tree/back\slash'
printf z >$'tree/carriage\rreturn'
printf u >$'tree/\xc3\xa9\xff'
ln -s large tree/link
mkfifo tree/fifo

find tree -type f -print0 | sort -z >names
xargs -0 sha512sum <names >expect512
xargs -0 sha256sum <names >expect256
for jobs in 0 1 2 5; do
	for io in uring pread auto; do
		if [[ $io == uring ]] && ! "$STAMPEDE" hash --io uring tree/empty >/dev/null 2>&1; then
			continue
		fi
		"$STAMPEDE" hash --jobs $jobs --io $io --quiet tree >got
		cmp expect512 got || die "sha512 differs at --jobs $jobs --io $io"
		"$STAMPEDE" hash --jobs $jobs --io $io --quiet --algorithm sha256 tree >got
		cmp expect256 got || die "sha256 differs at --jobs $jobs --io $io"
	done
done
sha256sum -c --quiet got || die "sha256sum does not accept the output"
"$STAMPEDE" hash --algorithm sha512,sha256,blake2b-256 --quiet tree >tagged
cksum -c --quiet tagged || die "cksum does not accept the output"
[[ $(wc -l <tagged) == $((3 * $(tr -cd '\0' <names | wc -c))) ]] || die "lines are missing"

# several PATHs, a trailing slash, a link on the command line
"$STAMPEDE" hash --quiet tree/link tree/large tree/empty >got
sha512sum tree/empty tree/large tree/link | cmp - got || die "files on the command line"
"$STAMPEDE" hash --quiet tree/ | cmp expect512 - || die "a trailing slash"
(cd tree && "$STAMPEDE" hash --quiet . && cd .. ) | sed 's, \./, tree/,' | sha512sum -c --quiet ||
	die "the current folder"

# faults: what can be read is printed, exit 4; nothing at all, exit 3
code=0
"$STAMPEDE" hash tree/empty tree/fifo missing >got 2>errors || code=$?
[[ $code == 4 ]] || die "exit $code with faults"
grep -q '^stampede: hash: missing: cannot stat' errors || die "missing is not named"
grep -q '^stampede: hash: tree/fifo: is not a regular file' errors || die "the FIFO is not named"
[[ $(wc -l <got) == 1 ]] || die "the good file is not there"
code=0
"$STAMPEDE" hash missing >got 2>/dev/null || code=$?
[[ $code == 3 && ! -s got ]] || die "exit $code without any file"
code=0
"$STAMPEDE" hash >/dev/null 2>&1 || code=$?
[[ $code == 2 ]] || die "exit $code without PATH"
code=0
"$STAMPEDE" hash --quiet tree >/dev/full 2>/dev/null || code=$?
[[ $code == 3 ]] || die "exit $code with a full disk"

# JSON says the same
"$STAMPEDE" hash --json --quiet --jobs 2 tree >json
if command -v python3 >/dev/null; then
	python3 - <<'PY' || die "the JSON is wrong"
import json
report = json.load(open("json"))
names = open("names", "rb").read().split(b"\0")[:-1]
assert report["files"] == len(names) == len(report["entries"]), report["files"]
assert report["left_out"] == 2 and report["faults"] == [], report["left_out"]
paths = [bytes.fromhex(e["path_hex"]) if "path_hex" in e else e["path"].encode()
         for e in report["entries"]]
assert paths == names
lines = [line.lstrip(b"\\")[:128] for line in open("expect512", "rb").read().split(b"\n") if line]
assert [entry["sha512"].encode() for entry in report["entries"]] == lines
PY
fi
