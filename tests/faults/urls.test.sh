#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Names that no client can put into a URL: from a tree and from a list, as faults or as notes, after
# signing under the other policy, and never dropped silently.
. "$(dirname "$(realpath "$0")")/lib.sh"

set_policy() { sed -i "s/\"url_unsafe\": \"[a-z]*\"/\"url_unsafe\": \"$1\"/" repo/stampede.json; }
targets() { cat repo/public/metadata/"$(sed -E 's/.*"version":([0-9]+)\}\}$/\1/' repo/public/metadata/timestamp.json)".bin-n-*.json; }
bad=('lib%3a1.deb' '100%.zip' 'c#.tar.gz' 'what?.zip' 'dir%20x/f.whl' 'd#e/f.whl' 'end.zip ')
good=('a b/c d.whl' 'x+y;z=1&2@3!$(4)~.whl' ' lead.whl' 'dir /f.whl' 'plain.whl')

mkdir index
for name in "${bad[@]}" "${good[@]}"; do mkdir -p "index/$(dirname "$name")"; echo "$name" >"index/$name"; done
init repo --targets index --bins 2 --hash sha256
grep -q '"url_unsafe": "fault"' repo/stampede.json || fail 'the policy is not in stampede.json'
sign_is 3 repo --quiet
[ "$(grep -c 'no client can fetch it' err)" = ${#bad[@]} ] || fail "not one fault for each name: $(cat err)"
says 'lib%3a1.deb: has a "%"'
says 'c#.tar.gz: has a "#"'
says 'what\?.zip: has a "\?"'
says 'ends with a space'
says 'url_unsafe'
[ ! -e repo/public/metadata/timestamp.json ] || fail 'something was published'

# Left out and named, if requested.
sign_is 4 repo --quiet --json --on-fault skip
field_is targets ${#good[@]}
field_is faults ${#bad[@]}
verified repo

# Excluded, they are not reported.
cp repo/stampede.json good.json
sed -i 's/"exclude": \[\]/"exclude": ["*%*", "*#*", "*[?]*", "dir%20x\/**", "d#e\/**", "* "]/' repo/stampede.json
sign_is 0 repo --quiet
[ ! -s err ] || fail "excluded names are reported: $(cat err)"
cp good.json repo/stampede.json

# Signed nevertheless: notes name them, verify finds them, and counts them as errors only if requested.
set_policy warn
sign_is 0 repo --quiet --json
field_is targets $((${#good[@]} + ${#bad[@]}))
[ "$(grep -c 'no client can fetch it; rename it' err)" = ${#bad[@]} ] || fail "no note for each name: $(cat err)"
verified repo
[ "$(grep -c '^warning: target-url:' verify.out)" = ${#bad[@]} ] || fail "verify: $(cat verify.out)"
"$STAMPEDE" verify repo --strict >strict.out && fail 'verify --strict ignores them'
[ "$(grep -c '^error: target-url:' strict.out)" = ${#bad[@]} ] || fail "verify --strict: $(cat strict.out)"

# Back to the policy that refuses them: nothing is dropped from what is published.
set_policy fault
before=$(targets | sha256sum)
sign_is 3 repo --quiet
[ "$before" = "$(targets | sha256sum)" ] || fail 'a run that stopped changed what is published'
targets | grep -q 'lib%3a1' || fail 'a signed name was lost'

# The same list every night: it is read again when the policy has changed, and every night while such
# names are signed.
rm -rf repo index && mkdir index
init repo --targets index --bins 2 --hash sha256 --target-files none
printf 'path,length,sha256\n' >list.csv
for name in 'a%b.whl' 'plain.whl' 'c#.whl'; do printf '%s,1,%064d\n' "$name" 1 >>list.csv; done
sign_is 3 repo --quiet --digests list.csv
says 'a%b.whl: has a "%"'
set_policy warn
for night in 1 2 3; do
	sign_is 0 repo --quiet --json --digests list.csv
	field_is targets 3
	[ "$(grep -c 'no client can fetch it' err)" = 2 ] || fail "night $night: $(cat err)"
done
set_policy fault
sign_is 3 repo --quiet --digests list.csv
says 'c#.whl: has a "#"'

# Very many of them: a few notes, and a number.
set_policy warn
{ echo path,length,sha256; for i in $(seq 50); do printf 'p%%%02d.whl,1,%064d\n' "$i" "$i"; done; } >many.csv
sign_is 0 repo --quiet --digests many.csv --allow-removals all
[ "$(grep -c 'no client can fetch it; rename it' err)" = 8 ] || fail "notes: $(cat err)"
says '42 more paths cannot be fetched'
sed -i 's/"url_unsafe": "warn"/"url_unsafe": "maybe"/' repo/stampede.json
sign_is 2 repo --quiet --digests many.csv
says 'url_unsafe'
