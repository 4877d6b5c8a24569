#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ledger is signing input: damage anywhere in state/ is detected, named, and leads to hashing again,
# never to a published digest that is not the file's.
. "$(dirname "$0")/lib.sh"

index 60
init repo --targets index --bins 4 --target-files none --hash sha256
sign_is 0 repo --json
file=$(cd index && find packages -type f | sort | sed -n 1p)
right=$(sha256sum "index/$file" | cut -c 1-64)
segment=$(ls repo/state/ledger/*.segment)
[ "$(signed_digest repo "$file")" = "$right" ] || fail 'the first signature is of another digest'
cp -a repo good

# flip FILE OFFSET: flips one bit
flip() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf "$(printf '\\x%02x' $((byte ^ 1 << ($2 % 8))))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

for what in "$segment" repo/state/ledger/1.manifest; do
	size=$(stat -c %s "$what")
	for share in 0 3 7 20 33 50 66 80 93 97 99; do
		rm -rf repo && cp -a good repo
		flip "$what" $((size * share / 100))
		sign_is 0 repo --json
		says 'ledger: '
		[ "$(field files_hashed)" -ge 1 ] || fail "bit at $share % of $what: nothing was hashed again"
		[ "$(signed_digest repo "$file")" = "$right" ] || fail "bit at $share % of $what: wrong digest"
		verified repo
	done
done

# Truncated, emptied, removed: the same.
for how in 'truncate -s 100' 'truncate -s 0' 'rm'; do
	rm -rf repo && cp -a good repo
	$how "$segment"
	sign_is 0 repo --json
	field_is files_hashed 60
	verified repo
done

# A ledger sealed with another key is refused.
rm -rf repo other && cp -a good repo
init other --targets index --bins 4 --target-files none --hash sha256
sign_is 0 other --json
cp other/state/ledger/* repo/state/ledger/
sign_is 0 repo --json
says 'ledger: '
field_is files_hashed 60

# Damage to state/ does not silence the alarm: what is published still shows what was signed.
for break in 'rm -rf repo/state/ledger' "flip $segment 70" "flip $segment 8192" 'cp -a older/. repo/state/ledger'; do
	rm -rf repo older && cp -a good repo
	if [ "$break" = 'cp -a older/. repo/state/ledger' ]; then
		cp -a repo/state/ledger older
		sign_is 0 repo --json
		rm -rf repo/state/ledger && mkdir -m 700 repo/state/ledger
	fi
	cp "index/$file" kept
	echo evil >>"index/$file"
	$break 2>/dev/null || true
	before=$(published repo)
	sign_is 3 repo
	says 'has other bytes than were signed before'
	[ "$(published repo)" = "$before" ] || fail "$break: something was published"
	cp kept "index/$file"
done

# A published bin that was tampered with cannot replace the ledger.
rm -rf repo && cp -a good repo
rm -rf repo/state/ledger
bin=$(ls repo/public/metadata/1.bin-n-*.json | sed -n 1p)
sed -i 's/"length":1/"length":2/' "$bin"
cmp -s "$bin" "good/${bin#repo/}" && sed -i 's/"length":/"length":1/' "$bin"
sign_is 3 repo
says 'is not what was published'

rm "$bin"
sign_is 3 repo
says "${bin##*/}: is not what was published, .* restore"

# Nor can another bin of the same run, whose signature and version are right: it would hide what the first one signed.
right=$(grep -lF "\"$file\"" good/public/metadata/1.bin-n-*.json)
for other in good/public/metadata/1.bin-n-*.json; do
	[ "$other" != "$right" ] || continue
	rm -rf repo && cp -a good repo
	rm -rf repo/state/ledger
	cp "$other" "repo/${right#good/}"
	cp "index/$file" kept
	echo evil >>"index/$file"
	sign_is 3 repo
	says "${right##*/}: is not what was published"
	cp kept "index/$file"
done
# Not even one of the same length, nor (where the snapshot lists lengths) an empty one: the bins 0 and 1 of four hold
# a file each.
mkdir pair
for bin in 0 1; do
	for name in f{10..99}.whl; do
		[ $((0x$(printf %s $name | sha256sum | cut -c 1) >> 2)) != $bin ] || break
	done
	echo "file $bin" >pair/$name
	names[bin]=$name
done
for other in 0 2; do
	rm -rf repo
	echo "file 1" >"pair/${names[1]}"
	init repo --targets pair --profile prefixes --bins 4 --target-files none
	sign_is 0 repo
	[ "$(stat -c %s repo/public/metadata/1.bin-n-0.json)" = "$(stat -c %s repo/public/metadata/1.bin-n-1.json)" ] || fail 'bins of two lengths'
	cp repo/public/metadata/1.bin-n-$other.json repo/public/metadata/1.bin-n-1.json
	rm -rf repo/state/ledger
	echo evil >>"pair/${names[1]}"
	sign_is 3 repo
	says '1.bin-n-1.json: is not what was published'
done
