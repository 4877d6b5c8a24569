#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# init makes a repository or nothing. If it is killed at any step, and killed again while it cleans up,
# the next init makes one; if a step fails, nothing is left. And keys that may have signed something are
# never replaced, whatever else is missing. Each init makes about fifty files durable: a file system in
# memory is enough for a test of names.
[ ! -w /dev/shm ] || export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"

index 5
find index -type f -exec touch -d '2 days ago' {} +
make() { "$STAMPEDE" init "$1" --targets index --bins 2 --hash sha256 "${@:2}" --quiet; }
# steps FILE: every fault point that FILE traced, with its first and last passage; each rename
steps() {
	sort "$1" | uniq -c | while read -r count name; do
		echo "$name:1"
		[ "$name" != init.member ] || seq -f "$name:%g" 2 $((count - 1))
		[ "$count" = 1 ] || echo "$name:$count"
	done
}
# whole REPO: it is a complete repository, with nothing left over from init
whole() {
	sign_is 0 "$1" --json
	[ ! -e "$1/.init" ] || fail "$2: .init is left"
	[ -z "$(find "$1" -name '.tmp-*')" ] || fail "$2: temporary files are left"
	verified "$1"
}

STAMPEDE_FAULT_TRACE=$scratch/trace make traced >/dev/null
[ -s trace ] || skip 'this build has no fault points'
deaths=0
for where in '' '--offline-keys usb'; do
	for step in $(steps trace); do
		rm -rf repo usb
		# shellcheck disable=SC2086
		STAMPEDE_FAULT_POINT=$step make repo $where >/dev/null 2>&1 && continue
		deaths=$((deaths + 1))
		cp -a repo died 2>/dev/null || mkdir died
		[ ! -d usb ] || cp -a usb died-usb
		# Where something is left, killed once more while the next init removes it.
		case $step in
		config.write:1 | init.folder:6 | keys.write_at:* | init.renamed:4 | init.member:[34] | init.commit:1)
			for again in init.begin:1 init.clear:1 init.clear:2 init.take_back:1 init.take_back:3 init.member:2; do
				rm -rf repo usb && cp -a died repo
				[ ! -d died-usb ] || cp -a died-usb usb
				# shellcheck disable=SC2086
				STAMPEDE_FAULT_POINT=$again make repo $where >/dev/null 2>&1 || true
				# shellcheck disable=SC2086
				[ -e repo/stampede.json ] || make repo $where >/dev/null 2>err ||
					fail "killed at $step and at $again, init $where: $(cat err)"
				whole repo "killed at $step and at $again"
			done
			;;
		esac
		rm -rf repo usb && cp -a died repo
		[ ! -d died-usb ] || cp -a died-usb usb
		if [ ! -e repo/stampede.json ]; then
			# shellcheck disable=SC2086
			make repo $where >/dev/null 2>err || fail "killed at $step, init $where: $(cat err)"
		fi
		whole repo "killed at $step"
		rm -rf died died-usb
	done
	for step in $(steps trace | grep ':1$'); do
		for why in ENOSPC EIO; do
			rm -rf repo usb
			# shellcheck disable=SC2086
			STAMPEDE_FAULT_POINT=$step:$why make repo $where >out 2>err && fail "$step:$why was ignored"
			[ -s err ] || fail "$step:$why: prints nothing"
			[ ! -e repo ] && [ ! -e usb ] || fail "$step:$why: init that failed left $(find repo usb 2>/dev/null)"
		done
	done
done
[ "$deaths" -ge 40 ] || fail "only $deaths deaths"

# A repository without its stampede.json, and a .init that proves nothing.
make real >/dev/null
sign_is 0 real --json
cp real/stampede.json kept.json
rm real/stampede.json
before=$(find real -type f -print0 | sort -z | xargs -0 sha256sum)
for with in '' 'mkdir real/.init' 'touch real/.init/made' 'cp traced/stampede.json real/.init/'; do
	$with
	got=0
	make real >/dev/null 2>err || got=$?
	[ $got = 2 ] || fail "init over a repository: exit $got: $(cat err)"
	says 'restore that from a backup'
	[ "$(find real -path real/.init -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)" = "$before" ] ||
		fail "init changed a repository without stampede.json, after: $with"
done
cp kept.json real/stampede.json
sign_is 0 real --json
echo "$deaths deaths, no key was replaced"
