#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Distribution files never change under a name; index pages may. Hashing again in parts covers all files.
. "$(dirname "$0")/lib.sh"

index 80
init repo --targets index --bins 4 --target-files none --hash sha256
sign_is 0 repo --json
sign_is 0 repo --json
field_is files_hashed 0
file=$(cd index && find packages -type f | sort | sed -n 1p)
page=$(cd index && find simple -type f | sort | sed -n 1p)

# A page may change.
echo more >>"index/$page"
sign_is 0 repo --json
field_is files_hashed 1
[ "$(signed_digest repo "$page")" = "$(sha256sum "index/$page" | cut -c 1-64)" ] || fail 'old page'

# A distribution file may not, not even with the old time stamps and size.
cp -p "index/$file" kept
before=$(published repo)
printf X | dd of="index/$file" bs=1 conv=notrunc 2>/dev/null
touch -r kept "index/$file"
sign_is 3 repo
says "$file: has other bytes than were signed before"
[ "$(published repo)" = "$before" ] || fail 'published in spite of the alarm'
sign_is 4 repo --on-fault skip --json
field_is targets 79
[ -z "$(signed_digest repo "$file")" ] || fail 'the file that changed is still signed'
cp kept "index/$file"
sign_is 0 repo --json
field_is targets 80

# With --allow-replace it may.
echo new >>"index/$file"
sign_is 3 repo
sign_is 3 repo --allow-replace packages/other.whl
sign_is 0 repo --allow-replace "$file" --json
[ "$(signed_digest repo "$file")" = "$(sha256sum "index/$file" | cut -c 1-64)" ] || fail 'not replaced'
verified repo

# --rehash all reads everything; 1/4 reads each file once in four runs.
sign_is 0 repo --rehash all --json
field_is files_hashed 80
total=0
field_at() { date -u -d "$(grep -oE '"oldest_verified":"[^"]*"' out | cut -d '"' -f 4)" +%s; }
oldest=$(field_at)
sleep 1.1
for part in 1 2 3 4; do
	# A run that fails late does not count as a turn, and leaves nothing that the next run does not remove.
	STAMPEDE_FAULT_POINT=snapshot.write:1:ENOSPC sign_is 3 repo --rehash 1/4
	sign_is 0 repo --rehash 1/4 --json
	# The oldest digest is as old as that of the last part.
	if [ "$part" -lt 4 ]; then
		[ "$(field_at)" = "$oldest" ] || fail 'the oldest digest is young before all is read again'
	else
		[ "$(field_at)" -gt "$oldest" ] || fail 'the oldest digest is old although all was read again'
	fi
	part=$(field files_hashed)
	[ "$part" -lt 50 ] || fail "a quarter has $part of 80 files"
	total=$((total + part))
done
[ "$total" = 80 ] || fail "four quarters read $total of 80 files"

[ "$("$STAMPEDE" status repo --json | grep -oE '"oldest_verified":"[^"]*"')" = "$(grep -oE '"oldest_verified":"[^"]*"' out)" ] ||
	fail 'status gives another age of the oldest digest than sign'

# Racy files: a new file is hashed when its times have settled, and is trusted then; one with a time that
# a server's clock may have reached is not, nor is one with a time in the future until that has passed.
# On a busy machine the run may begin so late that nothing is fresh any more: then it is made fresh again.
has_waited() { grep -oE '"hash":[0-9.]+' out | cut -d : -f 2 | awk '{ exit !($1 >= 0.09) }'; }
echo fresh >index/fresh.whl
for _ in 1 2 3 4 5 6; do
	sign_is 0 repo --json
	has_waited && break
	touch index/fresh.whl
done
has_waited || fail "a fresh file was hashed at once: $(cat out)"
sign_is 0 repo --json
field_is files_hashed 0
touch -d '+40 seconds' index/fresh.whl
for _ in 1 2; do
	sign_is 0 repo --json
	field_is files_hashed 1
done
touch -d '+1 day' index/fresh.whl
sign_is 0 repo --json
field_is files_hashed 1
sign_is 0 repo --json
field_is files_hashed 0
touch -d '-1 day' index/fresh.whl
sign_is 0 repo --json
sign_is 0 repo --json
field_is files_hashed 0
rm index/fresh.whl
sign_is 0 repo --json

# A removed file and a removed folder.
rm "index/$file"
sign_is 0 repo --json
field_is files_removed 1
field_is targets 79
sign_is 0 repo --json
field_is files_removed 0
verified repo
