#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An index that is written to while it is signed. What was replaced after it was hashed is hashed again;
# a page that keeps changing keeps its last entry while its old bytes are served; a distribution file
# that was signed before has its old bytes, or raises the alarm as usual.
. "$(dirname "$0")/lib.sh"

writer=
trap '[ -z "$writer" ] || kill "$writer" 2>/dev/null; cleanup' EXIT

# Where a run is stopped: after the scan, when everything is hashed, and after the final check, before
# names are made.
scanned=hash.read:1:stop
hashed=hash.look:1:stop
looked=reserve.write:1:stop

# during POINT COMMAND STATUS REPO ARGS…: signs, runs COMMAND when the run has stopped at POINT
during() {
	local point=$1 command=$2 want=$3 got=0 pid i state=
	shift 3
	STAMPEDE_FAULT_POINT=$point "$STAMPEDE" sign "$@" --json >out 2>err &
	pid=$!
	for i in $(seq 3000); do
		state=$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) || break
		case $state in T | Z) break ;; esac
		sleep 0.01
	done
	[ "$state" = T ] || { wait "$pid" || true; fail "the run did not stop at $point: $(cat out err)"; }
	eval "$command"
	kill -CONT "$pid"
	wait "$pid" || got=$?
	[ "$got" = "$want" ] || fail "sign $* at $point after '$command': exit $got, not $want: $(cat out err)"
}
# signed PATH: its signed digest is that of its present bytes, and its copy has these bytes
digest() { sha256sum "$1" | cut -c 1-64; }
signed() { [ "$(signed_digest repo "$1")" = "$(digest "index/$1")" ] || fail "$1 is not signed as it is now: $(cat err)"; }
replace() { echo "$2" >"index/$1.new" && mv "index/$1.new" "index/$1"; }

# fresh OPTIONS…: an index of three pages and a file, signed once
fresh() {
	rm -rf index repo
	mkdir -p index/simple/{a,b,c} index/packages
	for one in a b c; do echo "$one" >"index/simple/$one/index.html"; done
	echo wheel >index/packages/old.whl
	init repo --targets index --bins 4 --hash sha256 "$@"
	sign_is 0 repo --quiet
}
page=simple/a/index.html

# --- pages that are replaced -------------------------------------------------
jobs=0
for options in '' '--link hardlink' '--link copy' '--target-files mutable'; do
	for point in "$hashed" "$looked"; do
		fresh $options
		jobs=$((2 - jobs))
		during "$point" "replace $page 'replaced at $point'; echo x >index/simple/new" 0 \
			repo --rehash all --jobs "$jobs"
		signed "$page"
		field_is targets 4
		field_is faults 0
		[ "$(field files_rehashed)" = 1 ] || fail "$options: not hashed again: $(cat out)"
		verified repo
	done
	# A night later nothing changes any more.
	sign_is 0 repo --json
	sign_is 0 repo --json
	field_is files_hashed 0
done
# Without HASH.NAMEs there is nothing to copy: the final check finds it.
fresh --target-files none
during "$hashed" "replace $page other" 0 repo --rehash all
signed "$page"
field_is files_rehashed 1

# A new page, in the very first run, at each step; in place, and with new times only.
for point in "$hashed" "$looked"; do
	rm -rf repo
	init repo --targets index --bins 4 --hash sha256
	during "$point" "replace $page '$point'; echo more >>index/simple/b/index.html; touch index/simple/c/index.html" 0 repo
	for one in a b c; do signed "simple/$one/index.html"; done
	verified repo
done

# --- pages that are removed, or become something else ---------------------------------
last_is() { [ "$(signed_digest repo "$page")" = "$old" ] || fail "$page is not signed as it was last"; }
for change in "rm index/$page" "rm index/$page; mkfifo index/$page" "rm index/$page; mkdir index/$page" \
	"rm index/$page; ln -s ../b/index.html index/$page"; do
	for point in "$hashed" "$looked"; do
		fresh
		old=$(digest "index/$page")
		# It was new bytes for this run, so that its copy has to be made.
		replace "$page" newer
		jobs=$((2 - jobs))
		during "$point" "$change" 0 repo --jobs "$jobs"
		last_is
		field_is targets 4
		field_is files_kept 1
		grep -q "$page.*kept changing.*last time" err || fail "no note: $(cat err)"
	done
done
# Between scan and hashing as well; a distribution file that is removed there counts as never seen.
for change in "rm index/$page" "rm index/$page; mkfifo index/$page"; do
	fresh
	old=$(digest "index/$page")
	replace "$page" newer
	mkdir -p index/simple/brief
	echo brief >index/simple/brief/index.html
	cp index/simple/brief/index.html index/packages/brief.whl
	jobs=$((2 - jobs))
	during "$scanned" "$change; rm -r index/simple/brief index/packages/brief.whl; replace simple/b/index.html b2" 0 \
		repo --rehash all --jobs "$jobs"
	last_is
	signed simple/b/index.html
	field_is targets 4
	field_is files_kept 1
	field_is faults 0
	verified repo
done
# Its copy was removed as well: nothing is left that could be signed.
for point in "$hashed" "$looked"; do
	fresh
	replace "$page" newer
	during "$point" "rm index/$page repo/public/targets/simple/a/*; mkfifo index/$page" 3 repo
	says "$page"
	sign_is 3 repo
done
# Several are one note.
fresh
for one in a b c; do replace "simple/$one/index.html" newer; done
during "$looked" 'rm index/simple/*/index.html' 0 repo
field_is files_kept 3
[ "$(grep -c 'kept changing' err)" = 1 ] || fail "not one note: $(cat err)"
grep -q "and 2 others (among them simple/b/index.html, simple/c/index.html)" err || fail "$(cat err)"
verified repo
# The next run finds them removed.
sign_is 0 repo --json --allow-removals 3
field_is targets 1

# A page that was never signed and is removed again is not a target, and not a fault.
fresh
for point in "$hashed" "$looked"; do
	mkdir -p index/simple/brief
	echo brief >index/simple/brief/index.html
	during "$point" 'rm -r index/simple/brief' 0 repo
	field_is targets 4
	field_is faults 0
	grep -q 'simple/brief/index.html: was removed during the run' err || fail "no note: $(cat err)"
	verified repo
done

# A page that is written without end, with short pauses: the run ends, and is verified.
fresh
head -c 1000000 /dev/zero >"index/$page"
(while :; do date +%N | dd of="index/$page" conv=notrunc status=none; done) &
writer=$!
sign_is 0 repo --json --rehash all
kill "$writer"
wait "$writer" 2>/dev/null || true
writer=
field_is targets 4
verified repo

# A folder that is removed during the scan (the second one, the first is the index itself).
fresh
during scan.open:2:stop 'rm -r index/simple' 0 repo --jobs 0 --allow-removals 3
field_is targets 1
field_is faults 0
verified repo

# --- distribution files ------------------------------------------------------
new=packages/new.whl
for options in '' '--link hardlink' '--target-files none'; do
	# An upload that continues while the run hashes it.
	fresh $options
	echo half >"index/$new"
	during "$hashed" "echo whole >>index/$new" 0 repo
	signed "$new"
	field_is files_rehashed 1
	verified repo
	# One that is withdrawn.
	echo brief >index/packages/brief.whl
	during "$hashed" 'rm index/packages/brief.whl' 0 repo
	[ -z "$(signed_digest repo packages/brief.whl)" ] || fail 'what is gone is signed'
	verified repo
	# Only its times or its mode change.
	during "$hashed" 'chmod 664 index/packages/old.whl; touch index/packages/old.whl' 0 repo --rehash all
	signed packages/old.whl
	# It is replaced: the alarm, even if faults may be skipped.
	before=$(published repo)
	during "$hashed" 'replace packages/old.whl evil!' 3 repo --rehash all
	says 'packages/old.whl: has other bytes than were signed before'
	[ "$(published repo)" = "$before" ] || fail 'published in spite of the alarm'
	echo wheel >index/packages/old.whl
	during "$hashed" 'replace packages/old.whl evil!' 4 repo --rehash all --on-fault skip
	[ -z "$(signed_digest repo packages/old.whl)" ] || fail 'what was replaced is signed'
	# It is removed: as if the scan had come later.
	echo wheel >index/packages/old.whl
	sign_is 0 repo
	during "$hashed" 'rm index/packages/old.whl' 0 repo --rehash all
	field_is files_removed 1
	verified repo
done
# After the final check, where names are links or copies of the file.
for options in '--link hardlink' '--link copy'; do
	fresh $options
	echo half >"index/$new"
	during "$looked" "echo whole >>index/$new; chmod 664 index/packages/old.whl" 0 repo
	signed "$new"
	verified repo
	echo half >index/packages/third.whl
	during "$looked" 'rm index/packages/third.whl' 0 repo
	field_is targets 5
	# All names are made again; the file that was signed before has other bytes by then.
	rm repo/state/links
	during "$looked" 'replace packages/old.whl evil!' 3 repo
	says 'packages/old.whl: has other bytes than were signed before'
done

# An upload that does not end within a run: a fault, soon, and everything else is signed with skip.
fresh
echo >"index/$new"
(while :; do echo more; sleep 0.002; done >>"index/$new") &
writer=$!
sleep 0.1
SECONDS=0
export STAMPEDE_FAULT_SLOW=30000 # so that it has grown whenever the run checks
sign_is 3 repo
says "$new: (kept changing|keeps changing|changed)"
sign_is 4 repo --on-fault skip --json
unset STAMPEDE_FAULT_SLOW
field_is targets 4
[ "$SECONDS" -lt 60 ] || fail "it took $SECONDS s to give up"
kill "$writer"
wait "$writer" 2>/dev/null || true
writer=
sign_is 0 repo --json
signed "$new"

# --- lists -------------------------------------------------------------------
# A list has the digest of a file. A page of it that was replaced since keeps its last entry; so does one
# of --scan.
fresh
list() { (cd index && find packages simple/c -type f | sort | while read -r file; do
	echo "$file,$(stat -c %s "$file"),$(digest "$file")"; done) | sed '1i path,length,sha256'; }
list >list.csv
sign_is 0 repo --digests list.csv --scan 'simple/a/**' --quiet
page=simple/c/index.html
old=$(digest "index/$page")
replace "$page" newer
list >list.csv
replace "$page" 'newer than the list'
sign_is 0 repo --digests list.csv --scan 'simple/a/**' --json
last_is
field_is files_kept 1
replace simple/a/index.html new
during "$hashed" 'replace simple/a/index.html newest' 0 repo --digests list.csv --scan 'simple/a/**'
signed simple/a/index.html
