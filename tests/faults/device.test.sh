#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Disks that really fail: a file that cannot be read in its middle, and a disk that accepts writes but
# loses them.
. "$(dirname "$0")/lib.sh"

command -v mkfs.ext2 >/dev/null && command -v debugfs >/dev/null || skip 'no mkfs.ext2 or debugfs'

# --- EIO while reading ----------------------------------------------------------------------------
# The block with the block numbers of a file is overwritten: its first twelve blocks can be read, then
# the kernel returns EIO.
truncate -s 8M index.img
mkfs.ext2 -q -F -b 1024 index.img
on_loop index.img index
"$STAMPEDE_CORPUS" --count 12 --sizes small made 2>/dev/null
cp -r made/. index/
head -c 100000 /dev/urandom >index/bad.whl
umount index
block=$(debugfs -R 'stat bad.whl' index.img 2>/dev/null | grep -oE '\(IND\):[0-9]+' | cut -d : -f 2)
[ -n "$block" ] || fail 'where is the indirect block?'
dd if=index.img of=kept bs=1024 skip="$block" count=1 2>/dev/null
break_it() { head -c 1024 /dev/zero | tr '\0' '\377' | dd of=index.img bs=1024 seek="$block" conv=notrunc 2>/dev/null; }
mend_it() { dd if=kept of=index.img bs=1024 seek="$block" conv=notrunc 2>/dev/null; }
break_it
mount -o loop index.img index
cat index/bad.whl >/dev/null 2>cat.err && skip 'this kernel reads past the damage'
grep -q 'Input/output error' cat.err || skip "this kernel says: $(cat cat.err)"

rmdir index/lost+found
init repo --targets index --bins 4 --target-files none --hash sha256 --now 2030-01-01T00:00:00Z
for how in '--io auto' '--io pread' '--jobs 0'; do
	sign_is 3 repo $how --now 2030-01-01T00:00:00Z
	says '^stampede: hash: bad\.whl: cannot read: Input/output error$'
	[ ! -e repo/public/metadata/timestamp.json ] || fail "$how: published despite a file that cannot be read"
done
sign_is 4 repo --on-fault skip --json --now 2030-01-01T00:00:00Z
[ -z "$(signed_digest repo bad.whl)" ] || fail 'a file that cannot be read was signed'
umount index
mend_it
mount -o loop index.img index
sign_is 0 repo --json --now 2030-01-01T00:00:01Z
[ "$(signed_digest repo bad.whl)" = "$(sha256sum index/bad.whl | cut -c 1-64)" ] || fail 'not signed after it was repaired'

# Signed before and selected to be read again: the older digest is not used instead.
umount index
break_it
mount -o loop index.img index
sign_is 0 repo --json --now 2030-01-01T00:00:02Z
sign_is 3 repo --rehash all --now 2030-01-01T00:00:03Z
says '^stampede: hash: bad\.whl: cannot read: Input/output error$'
sign_is 4 repo --rehash all --on-fault skip --json --now 2030-01-01T00:00:03Z
[ -z "$(signed_digest repo bad.whl)" ] || fail 'a file that cannot be read any more is still signed'
umount index
mend_it
mount -o loop index.img index

# --- EIO while making it durable -----------------------------------------------------------------
# A file system whose disk is larger than its backing storage: writes to the page cache succeed, and
# only the barrier (syncfs, fsync) reports that they are lost.
small_fs thin size=3m
truncate -s 64M thin/repo.img
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 thin/repo.img 2>/dev/null || skip 'no mkfs.ext4'
on_loop thin/repo.img disk
init disk/repo --targets made --bins 16 --target-files none
sign_is 0 disk/repo --json
before=$(published disk/repo)
dd if=/dev/zero of=thin/ballast bs=4k 2>/dev/null || true
failed=
for _ in $(seq 40); do
	before=$(published disk/repo)
	"$STAMPEDE" sign disk/repo --quiet >out 2>err && continue
	failed=yes
	break
done
[ -n "$failed" ] || fail 'the disk behind it never became full'
says '^stampede: [a-z]+: .*(Input/output error|Read-only file system|No space left on device)'
[ "$(published disk/repo)" = "$before" ] || fail 'published what the disk could not keep'
grep -qE 'fsync|syncfs|durable' err || echo "note: it was told by: $(cat err)"

# The same with only the target files on such a disk: only its own barrier can report it.
init copies --targets made --bins 4 --target-files all --link copy
head -c 6000000 /dev/urandom >made/large.whl
small_fs thin2 size=3m
truncate -s 64M thin2/targets.img
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 thin2/targets.img
on_loop thin2/targets.img copies/public/targets
sign_is 3 copies
says '^stampede: [a-z]+: .*(Input/output error|Read-only file system|No space left on device)'
[ ! -e copies/public/metadata/timestamp.json ] || fail 'published before the copies were durable'

# Writes that accept less than they were given, and reads that return less: the same files.
cp -r repo one && cp -r repo other
"$STAMPEDE" sign one --now 2030-01-02T00:00:00Z --rehash all --quiet >out 2>err
STAMPEDE_SHORT_WRITES=100 STAMPEDE_SHORT_READS=1000 "$STAMPEDE" sign other --now 2030-01-02T00:00:00Z --rehash all --quiet >out 2>err ||
	fail "short writes: $(cat err)"
diff -r one/public other/public >out || fail "short writes: $(head -c 400 out)"
cmp one/state/audit.log other/state/audit.log || fail 'short writes: another audit log'
sign_is 0 other --now 2030-01-03T00:00:00Z --json
field_is files_hashed 0
! grep -q '"ledger_damage":\[[^]]' out || fail "short writes: $(cat out)"
