#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Few descriptors, no locked memory, little address space: the run works, or names the reason.
. "$(dirname "$0")/lib.sh"

index 300
init repo --targets index --bins 16 --target-files none

# With any number of descriptors the run works, or names the reason and publishes nothing. It fails where
# the last one is used: at the repository, the keys, the ledger, the scan. That is not a fault of a file:
# no file is left out because of it.
fails() {
	local descriptors=$1 got=0
	shift
	rm -rf few && cp -r repo few && chmod 700 few/keys
	(exec >out 2>err; ulimit -n "$descriptors"; exec "$STAMPEDE" sign few "$@") || got=$?
	[ "$got" = 0 ] && return 1
	[ "$got" = 3 ] || fail "$descriptors descriptors: exit $got: $(cat err)"
	says '^stampede: [a-z]+: .*Too many open files'
	[ ! -e few/public/metadata/timestamp.json ] || fail "$descriptors descriptors: published"
}
stages=
for descriptors in $(seq 6 40); do
	fails "$descriptors" --on-fault skip || continue
	stages+=" $(sed -n 's/^stampede: \([a-z]*\): .*/\1/p' err | sort -u | paste -sd ' ')"
done
for stage in repository config keys ledger scan; do
	[[ " $stages " == *" $stage "* ]] || fail "no failure in $stage, only in:$stages"
done
sign_is 0 repo --json
verified repo

# No locked memory, for a user without the right to more: rings and keys work with what they get.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$STAMPEDE" program
	chmod 755 "$scratch" program
	chown -R 65534:65534 repo
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
else
	cp "$STAMPEDE" program
	as_user=()
fi
for io in auto pread; do
	got=0
	(ulimit -l 0; exec "${as_user[@]}" "$PWD/program" sign repo --io "$io" --rehash all --json >out 2>err) ||
		got=$?
	[ "$got" = 0 ] || fail "without locked memory: exit $got: $(cat err)"
	field_is files_hashed 300
	verified repo
done
[ "$(id -u)" != 0 ] || chown -R 0:0 repo

# A hundred megabytes of address space: refused with a message, no crash, nothing published.
before=$(published repo)
got=0
(ulimit -v 120000; "$STAMPEDE" sign repo --jobs 1 >out 2>err) || got=$?
case $got in
0) ;;
3 | 75) says '[Mm]emory'; [ "$(published repo)" = "$before" ] || fail 'published half' ;;
*) fail "exit $got with little memory: $(cat err)" ;;
esac
sign_is 0 repo --json
verified repo
