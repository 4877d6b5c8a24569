#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody who can write to a folder of the repository can put anything under a name there: a pipe, a
# socket, a folder, a device, a link or a second name of a file that must not be touched, a hole of
# terabytes. No command waits for it or changes what it leads to; one that refuses it names it and the
# remedy.
[ ! -w /dev/shm ] || export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"

index 5
init good --targets index --bins 2 --hash sha256 --target-files all
sign_is 0 good --json
echo more >index/more.whl
sign_is 0 good --json

# plant KIND PATH: returns 1 if this system has no such thing
plant() {
	case $1 in
	pipe) mkfifo "$2" ;;
	socket) (cd "${2%/*}" && perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or exit 1' "${2##*/}") ;;
	folder) mkdir "$2" ;;
	dangling) ln -s "$PWD/nowhere" "$2" ;;
	link) ln -s "$PWD/victim" "$2" ;;
	name) ln victim "$2" ;;
	device) mknod "$2" c 1 5 ;;
	hole) truncate -s 8T "$2" && chmod 600 "$2" ;;
	esac 2>/dev/null
}

# try PATH KIND: runs every command on a repository in which PATH is a KIND
try() {
	local path=$1 kind=$2 command got
	for command in status verify 'plan --repo' 'init --update' gc 'gc --dry-run' sign 'init --targets ../index'; do
		got=0
		# shellcheck disable=SC2086
		timeout -k 1 30 "$STAMPEDE" ${command%% *} ${command#"${command%% *}"} repo --quiet >out 2>err </dev/null || got=$?
		[ "$got" -lt 124 ] || fail "$command waits or died where $path is a $kind: exit $got: $(cat err)"
		[ "$(<victim)" = precious ] && [ "$(stat -c '%i %a %u %s %Y' victim)" = "$was" ] ||
			fail "$command changed what $path led to as a $kind"
		[ ! -e nowhere ] || fail "$command made what $path led to as a $kind"
		[ "$got" != 0 ] || continue
		# A second init is refused for another reason, and verify reports.
		case $command in init\ --targets*) continue ;; esac
		# status counts damaged bins, and leaves their names to verify.
		[[ ! $command =~ ^status || $path != *bin-n* ]] || continue
		# These two accept any folder of metadata: without one they ask for another.
		[[ $path != public || ! $command =~ ^(verify|plan) ]] || continue
		grep -qF "${path##*/}" out err || fail "$command does not name $path, a $kind: exit $got: $(cat out err)"
		# status reports on stdout.
		[ "$command" = verify ] || grep -qE ';|chmod' err || { [[ $command = status* ]] && grep -qE ';|chmod' out; } ||
			fail "$command does not say what to do about $path, a $kind: $(cat err)"
	done
}

# work NUMBER: handles every second line of the list
work() {
	local path kind
	mkdir "work$1" && cd "work$1"
	ln -s ../index index # where links of a copy of the repository lead
	echo precious >victim
	chmod 600 victim
	was=$(stat -c '%i %a %u %s %Y' victim)
	while read -r path kind; do
		rm -rf repo && cp -a ../good repo
		rm -rf "repo/$path"
		plant "$kind" "repo/$path" || continue
		try "$path" "$kind"
		echo "$path $kind" >>done
	done < <(awk -v n="$1" 'NR % 2 == n' ../list)
}

link=$(cd good && find public/targets -type l | sort | sed -n 1p)
for path in stampede.json keys/online.pem keys/ledger.key state/lock state/reserved state/links state/last-run.json \
	state/audit.log state/commits/1.json state/commits/2.json state/ledger/2.manifest "$link" \
	$(cd good && ls state/ledger/*.segment | sed -n 1p) state/.tmp-clock state/.tmp-0123456789abcdef \
	public/metadata/{timestamp,2.snapshot,1.root,2.root,1.targets,1.bins,1.bin-n-0,2.bin-n-0,3.bin-n-0,3.snapshot}.json; do
	for kind in pipe socket folder dangling link name device hole; do echo "$path $kind"; done
done >list
for path in keys state state/commits state/ledger public public/metadata public/targets; do
	for kind in pipe dangling link device; do echo "$path $kind"; done
done >>list
work 0 &
first=$!
work 1 &
second=$!
bad=
wait $first || bad=yes
wait $second || bad=yes
[ -z "$bad" ] || exit 1
count=$(cat work*/done | wc -l)
[ "$count" -ge 160 ] || fail "only $count of $(wc -l <list) could be planted"
echo "$count planted, no command waited, nothing else was changed"
