#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which files are hashed again, and how that is reported: for each part of a fingerprint, "trust",
# times in the future, and device numbers that change.
. "$(dirname "$0")/lib.sh"

# again_is WHY NUMBER: "hashed_again" in the report has this number
again_is() {
	local got
	got=$(grep -oE '"hashed_again":\{[^}]*\}' out | grep -oE "\"$1\":[0-9]+" | cut -d : -f 2)
	[ "$got" = "$2" ] || fail "hashed again for $1: $got, not $2: $(cat out err)"
}
quiet() { ! grep -q . err || fail "stderr is not empty: $(cat err)"; }
set_field() { sed -i "s/\"$2\": \"[a-z]*\"/\"$2\": \"$3\"/" "$1/stampede.json"; }

mkdir idx
for name in a b c d e f; do
	echo "$name" >idx/$name.whl
	touch -d 2020-01-01 idx/$name.whl
done
init repo --targets idx --bins 4
cp -a repo seed
for how in '' '--jobs 0'; do
	rm -rf repo && cp -a seed repo
	for name in a b c d e f; do touch -d 2020-01-01 idx/$name.whl; done
	sign_is 0 repo $how --json
	quiet
	again_is files 0
	sign_is 0 repo $how --json
	quiet
	field_is files_hashed 0

	# The ctime alone: reported before it is done, also with --quiet.
	chmod 600 idx/a.whl && chmod 644 idx/a.whl && ln idx/b.whl hard && rm hard
	sign_is 0 repo $how --json --quiet
	field_is files_hashed 2
	again_is files 2
	again_is ctime 2
	says 'hash: .*idx: hashed again: 2 files \(2: ctime\), although size and mtime are unchanged'
	# Each of the other parts alone; new files do not count as hashed again.
	cp -p idx/c.whl c2 && mv c2 idx/c.whl
	touch -d 2021-01-01 idx/d.whl
	echo more >>idx/e.whl
	echo new >idx/g.whl
	sign_is 0 repo $how --dry-run --allow-replace e.whl
	grep -qx 'hashed again: 3 files (1: size, 1: mtime, 1: inode)' out || fail "dry run: $(cat out err)"
	sign_is 0 repo $how --allow-replace e.whl
	grep -qx 'hashed again: 3 files (1: size, 1: mtime, 1: inode)' out || fail "no summary: $(cat out err)"
	says 'hash: .*idx: hashed again: 1 file \(1: inode\), although size and mtime are unchanged$'
	sign_is 0 repo $how # what --allow-replace allowed is read once more
	sign_is 0 repo $how --rehash all --json
	again_is rehash 7
	sign_is 0 repo $how --json
	field_is files_hashed 0
	quiet
	rm idx/g.whl
	echo e >idx/e.whl
	touch -d 2020-01-01 idx/e.whl
	sign_is 0 repo $how --allow-replace e.whl
	sign_is 0 repo $how

	# With "trust": "mtime" a new ctime alone has no effect, is reported, and is recorded for the next run.
	set_field repo trust mtime
	chmod 600 idx/*.whl && chmod 644 idx/*.whl
	sign_is 0 repo $how --json
	field_is files_hashed 0
	again_is files 0
	says 'stampede.json: "trust" is "mtime": 6 files with another ctime were not hashed again'
	verified repo
	sign_is 0 repo $how --json
	field_is files_hashed 0
	quiet
	touch -d 2022-01-01 idx/a.whl
	sign_is 0 repo $how --json
	field_is files_hashed 1
	again_is mtime 1
	# With ctime again, the files that were ignored are read, and no others.
	set_field repo trust ctime
	sign_is 0 repo $how --json
	field_is files_hashed 5
	again_is ctime 5
	verified repo
	sign_is 0 repo $how --json
	field_is files_hashed 0
	set_field repo trust mtime
	cp -p idx/a.whl a.whl
	echo ! >idx/a.whl && touch -r a.whl idx/a.whl
	sign_is 0 repo $how
	set_field repo trust ctime
	sign_is 3 repo $how
	says 'a[.]whl: has other bytes than were signed before'
	cat a.whl >idx/a.whl && touch -r a.whl idx/a.whl
	sign_is 0 repo $how
	verified repo
done
set_field repo trust size
sign_is 2 repo
says '"trust": must be one of'
set_field repo trust ctime

# A time in the future: hashed once, and then only when something changes.
touch -d 2099-01-01 idx/f.whl
for how in '' '--jobs 0'; do
	rm -rf repo && cp -a seed repo
	sign_is 0 repo $how
	says 'scan: f.whl: has a time in the future; such a file is hashed again only when it changes'
	for _ in 1 2; do
		sign_is 0 repo $how --json
		field_is files_hashed 0
		says 'f.whl: has a time in the future'
	done
	echo other >idx/f.whl
	touch -d 2099-01-01 idx/f.whl
	sign_is 3 repo $how --json
	echo f >idx/f.whl
	touch -d 2099-01-01 idx/f.whl
	sign_is 0 repo $how --json
	field_is files_hashed 1
done

# The same image on another loop device, and mounted elsewhere.
small_fs loops size=100m
truncate -s 20m image
mkfs.ext4 -q -E root_owner=0:0 image 2>/dev/null || skip 'no mkfs.ext4'
on_loop image disk
cp -a idx disk/idx
init onto --targets "$scratch/disk/idx" --bins 4
sign_is 0 onto --json
device=$(stat -c %d disk/idx)
cp image loops/copy
umount disk
# The first device is busy meanwhile, so the image gets another.
on_loop loops/copy other
mount -o loop image disk
if [ "$(stat -c %d disk/idx)" = "$device" ]; then
	echo 'the device has the same number again'
else
	sign_is 0 onto --json
	field_is files_hashed 0
	field_is files_reused 6
	verified onto
fi
