#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Really full disks: bytes and inodes run out in a repository on a file system of its own.
. "$(dirname "$0")/lib.sh"

index 200
small_fs full size=700k
init full/repo --targets index --bins 16 --target-files none
sign_is 0 full/repo --json
signed=0
for _ in $(seq 60); do
	before=$(published full/repo)
	if ! "$STAMPEDE" sign full/repo --quiet >out 2>err; then
		signed=full
		break
	fi
done
[ "$signed" = full ] || fail 'the file system never became full'
says '^stampede: [a-z]+: .+: .*No space left on device'
[ "$(published full/repo)" = "$before" ] || fail 'something was published by the run that failed'
verified full/repo
mount -o remount,size=4m full
sign_is 0 full/repo --json
verified full/repo

# No inode left: in metadata, then in public/targets.
small_fs inodes size=8m,nr_inodes=60
init inodes/repo --targets index --bins 32 --target-files none
sign_is 3 inodes/repo
says 'No space left on device'
[ ! -e inodes/repo/public/metadata/timestamp.json ] || fail 'a timestamp without its bins'
mount -o remount,nr_inodes=400 inodes
sign_is 0 inodes/repo --json
verified inodes/repo

small_fs links size=8m,nr_inodes=150
init links/repo --targets index --bins 16 --target-files all
sign_is 3 links/repo
says '^stampede: links: .*No space left on device'
[ ! -e links/repo/public/metadata/timestamp.json ] || fail 'a timestamp without its target files'
mount -o remount,nr_inodes=4000 links
sign_is 0 links/repo --json
verified links/repo

# The same where the links have a file system of their own, and everything else has enough space.
mkdir flat
for i in $(seq 100); do echo "$i" >flat/$i.whl; done
init apart --targets flat --bins 4 --target-files all
small_fs apart/public/targets size=8m,nr_inodes=50
sign_is 3 apart
says '^stampede: links: .*cannot make the link: No space left on device'
[ ! -e apart/public/metadata/timestamp.json ] || fail 'published without links'
mount -o remount,nr_inodes=4000 apart/public/targets
sign_is 0 apart --json
verified apart

# A full disk while hashing: checkpoints cannot be written, what is published stays.
small_fs hashing size=1m
init hashing/repo --targets index --bins 16 --target-files none
dd if=/dev/zero of=hashing/ballast bs=1k count=4000 2>/dev/null || true
sign_is 3 hashing/repo
says 'No space left on device'
rm hashing/ballast
sign_is 0 hashing/repo --json
verified hashing/repo

# A file system that becomes read-only.
before=$(published hashing/repo)
mount -o remount,ro hashing
sign_is 3 hashing/repo
says 'Read-only file system'
[ "$(published hashing/repo)" = "$before" ] || fail 'a read-only repository changed'
mount -o remount,rw hashing
sign_is 0 hashing/repo --json

# Every stage in turn: the first run of a repository, on a file system with one page or inode more each
# time, until it works. Each failing run names its stage and publishes nothing; the first that works
# leaves everything that a run leaves, the audit log included.
shrink() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		mount -o remount,"$2" "$1" 2>/dev/null && return
		sleep 0.02
	done
	return 1
}
# grows FOLDER UNIT FROM STEP STAGES…: UNIT is the option to raise
grows() {
	local folder=$1 unit=$2 at=$3 step=$4 stage got=3 seen=' '
	shift 4
	cp -a "$folder/repo" "$folder.fresh"
	for _ in $(seq 200); do
		mount -o remount,"$unit=$((at + 2 * step))" "$folder" # room to start anew
		rm -rf "${folder:?}/repo" && cp -a "$folder.fresh" "$folder/repo"
		# Refused while more is in use than would be left; removed space is released a little later.
		shrink "$folder" "$unit=$at" || { at=$((at + step)); continue; }
		got=0
		"$STAMPEDE" sign "$folder/repo" --json >out 2>err || got=$?
		[ "$got" = 0 ] && break
		if [ -e "$folder/repo/public/metadata/timestamp.json" ]; then
			[ "$got" = 4 ] || fail "$unit=$at: exit $got although it was published: $(cat err)"
		else
			[ "$got" = 3 ] || fail "$unit=$at: exit $got: $(cat err)"
		fi
		says '^stampede: [a-z]+: .+: .*No space left on device'
		if [ -e "$folder/repo/public/metadata/timestamp.json" ]; then
			# Only what is recorded after the commit may still fail, and that is reported.
			says '^stampede: publish: timestamp\.json: version 1 was published before that'
			verified "$folder/repo"
			seen+='note '
		fi
		stage=$(sed -n 's/^stampede: \([a-z]*\): .*No space left on device.*/\1/p' err | sed -n 1p)
		[[ $seen == *" $stage "* ]] || seen+="$stage "
		at=$((at + step))
	done
	[ "$got" = 0 ] || fail "$folder: never enough: $(cat err)"
	for stage; do
		[[ $seen == *" $stage "* ]] || fail "$folder: no run failed in $stage, only in$seen"
	done
	verified "$folder/repo"
	local version
	version=$(field snapshot)
	[ "$(grep -cE " (bin-n-[0-9a-f]+|snapshot|timestamp) $version [0-9a-f]{64}\$" "$folder/repo/state/audit.log")" = 18 ] ||
		fail "$folder: the audit log of the run that worked is not whole"
	mount -o remount,"$unit=$((3 * at))" "$folder"
	sign_is 0 "$folder/repo" --json
	field_is files_hashed 0
}
used() { df --output="$2" "$1" | tail -n 1 | tr -d ' '; }
small_fs pages size=4m,nr_inodes=2000
init pages/repo --targets index --bins 16 --target-files none
grows pages size $(($(used pages used) * 1024)) 4096 ledger publish audit note
small_fs names size=4m,nr_inodes=2000
"$STAMPEDE_CORPUS" --count 30 --sizes small few 2>/dev/null
init names/repo --targets few --bins 16 --target-files all
grows names nr_inodes "$(($(used names iused) + 1))" 1 ledger publish links
