#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gc removes what stampede made and is no longer needed, however target links are made, and nothing
# else: not what an operator put there, and not what is mounted there.
. "$(dirname "$0")/lib.sh"

DAY1='--now 2030-01-01T00:00:00Z' DAY2='--now 2030-01-02T00:00:00Z' DAY9='--now 2030-01-09T00:00:00Z'
# gc_is REPO NAME=NUMBER…: gc at DAY9 reports these numbers
gc_is() {
	local repo=$1 want
	shift
	"$STAMPEDE" gc "$repo" --keep 1 $DAY9 --json >out 2>err || fail "gc $repo: $(cat err)"
	for want; do field_is "${want%=*}" "${want#*=}"; done
}

# Two runs; between them a file is removed, and a mutable page changes.
for link in symlink hardlink copy; do
	rm -rf index && index 20
	init "$link" --targets index --bins 2 --hash sha256,sha512 --target-files all --link "$link" $DAY1
	sign_is 0 "$link" $DAY1
	gone=$(cd index && find packages -type f | sort | sed -n 1p)
	page=$(cd index && find simple -type f | sort | sed -n 1p)
	rm "index/$gone"
	echo changed >"index/$page"
	sign_is 0 "$link" $DAY2
	before=$(find "$link/public/targets" ! -type d | wc -l)
	echo own >"$link/public/targets/robots.txt"
	mkdir "$link/public/targets/empty"
	gc_is "$link" links_removed=4 strangers=1
	grep -qF '"unknown":["public/targets/robots.txt"]' out || fail "robots.txt is not named: $(cat out)"
	[ "$(find "$link/public/targets" ! -type d | wc -l)" = $((before - 3)) ] || fail "$link: wrong links were removed"
	[ -d "$link/public/targets/empty" ] || fail "$link: a folder that was empty before was removed"
	find "$link/public/targets" -name "*.${gone##*/}" | grep -q . && fail "$link: the name of a removed file stays"
	"$STAMPEDE" verify "$link" >out && fail "$link: verify is silent about robots.txt"
	grep served-unknown out | grep -v robots.txt && fail "$link: names that are kept are unknown: $(cat out)"
	mv "$link/public/targets/robots.txt" own
	verified "$link"
	mv own "$link/public/targets/robots.txt"
	sign_is 0 "$link" $DAY9
done
"$STAMPEDE" gc copy $DAY9 >out
grep -q 'left alone 1 unknown file' out && grep -q '^  public/targets/robots.txt$' out || fail "robots.txt is not named: $(cat out)"

# A mark is removed with its target. What only looks like one stays: a file with bytes, another name.
rm -rf index && index 20
init marks --targets index --bins 2 --hash sha256 --target-files mutable $DAY1
sign_is 0 marks $DAY1
gone=$(cd index && find packages -type f | sort | sed -n 1p)
rm "index/$gone"
sign_is 0 marks $DAY2
before=$(find marks/public/targets/.signed -type f | wc -l)
mark=$(find marks/public/targets/.signed -name "*\"${gone##*/}")
echo own >"${mark%/*}/readme"
echo bytes >"${mark%/*}/00000000000000.a\"\"\"\"\"\"b"
gc_is marks links_removed=1 strangers=2
[ ! -e "$mark" ] || fail "the mark of a removed file stays"
[ "$(find marks/public/targets/.signed -type f | wc -l)" = $((before + 1)) ] || fail "wrong marks were removed"
rm "${mark%/*}/readme" "${mark%/*}"/00000000000000.*
sign_is 0 marks $DAY9 --json
verified marks

# A link whose file was changed in place no longer matches its name.
rm -rf index && index 20
init moved --targets index --bins 2 --hash sha256 --target-files all --link hardlink $DAY1
sign_is 0 moved $DAY1
gone=$(cd index && find packages -type f | sort | sed -n 1p)
name=$(cd moved/public/targets && find . -name "*.${gone##*/}" | sed -n 1p)
echo other >>"index/$gone"
rm "index/$gone"
sign_is 0 moved $DAY2
gc_is moved links_removed=0 strangers=1
[ -e "moved/public/targets/$name" ] || fail 'a file with other bytes than its name says was removed'

# A damaged file of an older snapshot does not stop gc: what it may list stays until that snapshot is
# removed.
rm -rf index && index 20
gone=$(cd index && find packages -type f | sort | sed -n 1p)
init torn --targets index --bins 2 --hash sha256 --target-files all --link copy $DAY1
sign_is 0 torn $DAY1
rm "index/$gone"
sign_is 0 torn $DAY2
sign_is 0 torn --now 2030-01-02T00:01:00Z
for file in 1.bin-n-0.json 2.bin-n-1.json 1.snapshot.json; do
	for how in empty gone; do
		cp -a torn broken
		if [ $how = gone ]; then rm "broken/public/metadata/$file"; else : >"broken/public/metadata/$file"; fi
		damaged=1
		[ "$how $file" != 'gone 1.snapshot.json' ] || damaged=0 # nothing shows that it existed
		"$STAMPEDE" gc broken --keep 3 --now 2030-01-02T00:02:00Z --json >out 2>err || fail "gc, $file $how: $(cat err)"
		field_is damaged $damaged
		[ $damaged = 0 ] || field_is links_removed 0
		[ $damaged = 0 ] || "$STAMPEDE" gc broken --keep 3 --now 2030-01-02T00:02:00Z | grep -q "^damaged: $file," ||
			fail "gc does not name $file"
		"$STAMPEDE" gc broken --keep 1 $DAY9 --json >out 2>err || fail "gc later, $file $how: $(cat err)"
		field_is damaged 0
		[ ! -e "broken/public/metadata/$file" ] || fail "$file stays"
		[ -z "$(find broken/public/targets -name "*.${gone##*/}")" ] || fail "the name of $gone stays"
		rm -rf broken
	done
done
: >torn/public/metadata/3.bin-n-0.json
code=0; "$STAMPEDE" gc torn --keep 1 $DAY9 >out 2>err || code=$?
[ $code = 3 ] || fail "gc with a damaged current bin: exit $code"
says '3.bin-n-0.json: is not a bin that stampede wrote; the next stampede sign writes'
sign_is 0 torn $DAY9
"$STAMPEDE" gc torn --keep 1 --now 2030-02-09T00:00:00Z >out 2>err || fail "gc after sign: $(cat err)"

# What is mounted below public/ is not examined: a folder of the index, another file system, a file.
rm -rf index && index 20
init mounts --targets index --bins 2 --hash sha256 --target-files all --link copy $DAY1
sign_is 0 mounts $DAY1
sign_is 0 mounts $DAY2
cp -a mounts/public/targets saved
find mounts/public/targets -mindepth 1 -delete
hash=$(printf x | sha256sum | cut -c 1-64)
mkdir -p mounts/public/targets/{bound,other,sub/bound} outside/deep
printf x >"outside/$hash.x"
printf x >"outside/deep/$hash.x"
for folder in mounts/public/targets/bound mounts/public/targets/sub/bound; do
	mount --bind outside "$folder" 2>/dev/null || skip 'cannot mount here (needs root)'
	mounted+=("$scratch/$folder")
done
small_fs mounts/public/targets/other size=1m
printf x >"mounts/public/targets/other/$hash.x"
printf x >"mounts/public/targets/$hash.file"
printf x >file
mount --bind file "mounts/public/targets/$hash.file"
mounted+=("$scratch/mounts/public/targets/$hash.file")
printf x >"mounts/public/targets/$hash.ours"
# passed_by: nothing of what is mounted was removed
passed_by() {
	local left
	for left in "outside/$hash.x" "outside/deep/$hash.x" "mounts/public/targets/other/$hash.x" file; do
		[ "$(cat "$left" 2>/dev/null)" = x ] || fail "gc went through a mount and removed $left"
	done
}
"$STAMPEDE" gc mounts $DAY9 --json >out 2>err || fail "gc mounts: $(cat err)"
passed_by
field_is links_removed 1
field_is strangers 4
[ ! -e "mounts/public/targets/$hash.ours" ] || fail 'a file next to a mount stays'
mount --bind file mounts/public/metadata/1.bin-n-0.json
mounted+=("$scratch/mounts/public/metadata/1.bin-n-0.json")
gc_is mounts strangers=5 snapshots_removed=1
passed_by
