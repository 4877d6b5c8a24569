#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The source of an index is recorded once, by the first run that publishes; an index that was made from a
# list is signed again from the ledger when a timer runs without a list.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/nights.sh"

source_is() { # REPO WORD: what stampede.json says, "" for nothing
	local got
	got=$(sed -n 's/^ *"source": "\([a-z]*\)",*$/\1/p' "$1/stampede.json")
	[ "$got" = "$2" ] || fail "source is '$got', not '$2'"
}
made_from() { [ "$(grep -oE '"source":"[a-z]+"' out)" = "\"source\":\"$1\"" ] || fail "not made from $1: $(cat out)"; }
made() { # an empty repository of the index
	rm -rf top/repo
	"${user[@]}" "$STAMPEDE" init top/repo --targets index --bins 4 --hash sha256 --target-files none --quiet >/dev/null
}
targets() { # the paths that are signed
	local version
	version=$(grep -oE '"version":[0-9]+' repo/public/metadata/timestamp.json | tail -n 1 | cut -d : -f 2)
	cat repo/public/metadata/"$version".bin-n-*.json | grep -oE '"[^"]+":\{"hashes"' | sort
}
fresh
(echo path,length,sha256 && rows) >whole.csv
(echo path,length,sha256 && rows | sed -n 1,30p) >part.csv

# Runs that publish nothing record nothing; the first that publishes records its source.
made
source_is repo ''
night 0 repo --dry-run
night 0 repo --dry-run --digests whole.csv
echo 'path,length,sha256' >bad.csv && echo '../x,1,00' >>bad.csv
night 3 repo --digests bad.csv
night 2 repo --digests missing.csv
cp -a repo/stampede.json before
(STAMPEDE_FAULT_POINT=publish.put:1:EIO night 3 repo --digests whole.csv) || fail 'a run that fails late'
source_is repo ''
cmp before repo/stampede.json || fail 'stampede.json was touched'
[ -z "$(ls -A repo/ | grep tmp || true)" ] || fail "left: $(ls -A repo/)"
cp -a top/repo top/new
night 0 repo
made_from tree
source_is repo tree
diff <(grep -v '"source"' repo/stampede.json | tr -d ', \n') <(tr -d ', \n' <before) || fail 'other fields changed'
night 0 repo
! grep -q 'stampede.json' err || fail "a note in an ordinary night: $(cat err)"
rm -rf top/repo && mv top/new top/repo
night 0 repo --digests part.csv
made_from list
field_is targets 30
source_is repo list
[ -z "$(ls -A repo/ | grep tmp || true)" ] || fail "left: $(ls -A repo/)"

# A timer signs the targets of such an index again: the folder is neither read nor needed.
targets >wanted
mv index index.away
for jobs in 0 1 2; do
	night 0 repo --jobs $jobs
	made_from ledger
	field_is targets 30
	field_is files_removed 0
	field_is files_hashed 0
	says 'stampede.json: names a list as the "source", but none was given'
	targets | cmp - wanted || fail "a refresh with $jobs workers signs something else"
done
night 0 repo --dry-run
field_is targets 30
night 0 repo --rehash all
says '--rehash read nothing'
night 0 repo --on-fault skip
mv index.away index
verified repo
# The same bytes as with the list, with any number of workers.
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for way in 'with --digests part.csv' 'of --jobs 0' 'of --jobs 1' 'of --jobs 3 --io pread'; do
	rm -rf top/copy && cp -a top/repo top/copy
	night 0 top/copy --now "$now" ${way#* }
	published top/copy >"sum.$(echo "$way" | tr -dc a-z0-9)"
done
[ "$(cat sum.* | sort -u | wc -l)" = 1 ] || fail 'a refresh publishes other bytes than the list'
# And the list can be given again: unchanged, changed, or together with files of the folder.
night 0 repo --digests part.csv
field_is files_removed 0
night 0 repo --digests whole.csv --scan nothing
field_is targets 40
echo one >index/simple/one.html
night 0 repo --digests part.csv --scan 'simple/**' --allow-removals all
made_from list
targets >wanted
cp index/simple/one.html kept
rm index/simple/one.html
night 0 repo
targets | cmp - wanted || fail 'a refresh loses what --scan added'
cp kept index/simple/one.html

# New targets need the list, or another source that is set by hand; --digests does not change it.
echo stray >index/packages/stray.whl
night 0 repo
! targets | grep -q stray || fail 'a refresh signs what the list does not name'
sed -i 's/"source": "list"/"source": "tree"/' repo/stampede.json
night 0 repo
made_from tree
field_is targets 42
says 'names the folder as the "source", so it was scanned'
night 0 repo
! grep -q 'so it was scanned' err || fail 'the note comes again'
(echo path,length,sha256 && rows) >whole.csv
night 0 repo --digests whole.csv
made_from list
says 'a run without --digests scans it again'
source_is repo tree
night 0 repo
made_from tree
sed -i 's/"source": "tree"/"source": "stream"/' repo/stampede.json
night 0 repo
made_from ledger
sed -i 's/"source": "stream"/"source": "cloud"/' repo/stampede.json
night 2 repo
says '"source": must be one of "tree"'

# Set before anything was signed, it applies from the start.
made
python3 -c 'import json
d = json.load(open("repo/stampede.json")); d["source"] = "list"; json.dump(d, open("repo/stampede.json", "w"))'
night 3 repo
says 'names a list as the "source", but nothing has been signed yet; give the list with --digests'
[ ! -e repo/public/metadata/timestamp.json ] || fail 'the folder was signed'
night 0 repo --digests whole.csv
sed -i 's/"list"/"tree"/' repo/stampede.json
night 0 repo --digests whole.csv
says 'a run without --digests scans it again'

# Without the ledger the targets are unknown; the list has them.
made
night 0 repo --digests part.csv
cp -a top/repo top/good
for harm in 'rm -r repo/state/ledger' 'truncate -s 5000 repo/state/ledger/1.base.segment' 'rm repo/state/ledger/1.manifest' \
	'printf "\125" | dd of=repo/state/ledger/1.base.segment bs=1 seek=5000 conv=notrunc status=none'; do
	rm -rf top/repo && cp -a top/good top/repo
	eval "$harm"
	before=$(published repo)
	night 3 repo
	says 'state/ledger: is lost or damaged.*; give the list again with --digests'
	[ "$(published repo)" = "$before" ] || fail "$harm: published"
	night 0 repo --digests part.csv
	field_is targets 30
	night 0 repo
	field_is targets 30
	verified repo
done
# A run that died between its two commits: the published bins have its targets.
for step in timestamp.renamed ledger.write; do
	rm -rf top/repo && cp -a top/good top/repo
	(echo path,length,sha256 && rows | sed -n 3,35p) >next.csv
	("${user[@]}" env STAMPEDE_FAULT_POINT=$step:1 "$STAMPEDE" sign repo --quiet --digests next.csv >/dev/null) 2>/dev/null && skip 'no test build'
	night 0 repo
	made_from ledger
	field_is targets 33
	targets >wanted
	cut -d , -f 1 next.csv | sed 1d | sed 's/.*/"&":{"hashes"/' | sort | cmp - wanted || fail "killed at $step: other targets"
	# The earlier list is not the one that the ledger now represents.
	night 0 repo --digests part.csv
	field_is targets 30
	verified repo
done

# stampede.json has no source, although something was signed: older repositories, a run that died before
# it recorded the source, a configuration that another user owns.
rm -rf top/repo && cp -a top/good top/repo
python3 - <<'P'
import json
d = json.load(open("top/good/stampede.json"))
del d["source"]
json.dump(d, open("top/repo/stampede.json", "w"), indent=2)
P
night 0 repo
made_from ledger
field_is targets 30
source_is repo list
# It was edited during the run: the edit stays, the next run records the source.
made
cp -a repo/stampede.json before
("${user[@]}" env STAMPEDE_FAULT_POINT=publish.barrier:1:stop "$STAMPEDE" sign repo --quiet >out 2>err) &
waiting=$!
for _ in $(seq 500); do
	pid=$(pgrep -P "$waiting" 2>/dev/null | head -n 1 || true)
	[ -n "$pid" ] || pid=$waiting
	case $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in T) break ;; esac
	sleep 0.02
done
sed 's/"max_removals": "1%"/"max_removals": "2%"/' before >edited
cp edited edited.json && mv edited.json repo/stampede.json
[ ${#user[@]} = 0 ] || chown 65534 repo/stampede.json
kill -CONT "$pid"
wait "$waiting" || fail "the run that was stopped: $(cat err)"
says 'does not say what the index is made from; write "source": "tree" into it: was edited during the run'
cmp edited repo/stampede.json || fail 'the edit is lost'
night 0 repo
source_is repo tree
grep -q '"max_removals": "2%"' repo/stampede.json || fail 'the edit is lost'
if [ ${#user[@]} != 0 ]; then
	made
	chown 0 top/repo top/repo/stampede.json
	night 0 repo --digests part.csv
	says 'write "source": "list" into it'
	source_is repo ''
	night 0 repo
	made_from ledger
	field_is targets 30
	chown 65534 top/repo top/repo/stampede.json
	night 0 repo
	source_is repo list
fi
