#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nothing personal: no name of a user, no name of a host, no home folder, in anything that is
# published, kept, logged or reported. And what is kept is removed after its retention.
. "$(dirname "$0")/lib.sh"

# Everything runs as a user, on a host and with a home folder whose names would be found.
marks='mark-host-4711|mark-user-4712|mark-home-4713|mark-mail-4714'
mkdir -p mark-home-4713 said
who=(env HOME="$PWD/mark-home-4713" USER=mark-user-4712 LOGNAME=mark-user-4712 USERNAME=mark-user-4712
	HOSTNAME=mark-host-4711 EMAIL=mark-mail-4714@example.org SUDO_USER=mark-user-4712)
if unshare -u true 2>/dev/null; then
	{
		echo '#!/bin/sh'
		echo "exec unshare -u sh -c 'echo mark-host-4711 >/proc/sys/kernel/hostname; exec \"\$@\"' sh $STAMPEDE \"\$@\""
	} >as-somebody
	chmod +x as-somebody
	who+=("$PWD/as-somebody")
else
	echo 'the host cannot be given a name here (needs root): only the environment was tested'
	who+=("$STAMPEDE")
fi

# clean WHAT FILE…: none of the marks, nor the name of this user
user=$(id -un)
clean() {
	local what=$1
	shift
	! grep -rnaE "$marks" "$@" >found 2>&1 || fail "$what: $(head -c 400 found)"
	[ ${#user} -lt 5 ] || ! grep -rnawF "$user" "$@" >found 2>&1 || fail "$what names $user: $(head -c 400 found)"
}
echo "at mark-host-4711" >control
(clean control control) 2>/dev/null && fail 'the search finds nothing'

index 30
"${who[@]}" init repo --targets index --bins 4 --hash sha256 --now 2030-01-01T00:00:00Z --json >said/init 2>&1
ln -s /nowhere index/link
n=0
for how in '--progress plain' '--log-format json --progress plain' '--debug' '--json'; do
	n=$((n + 1))
	now=2030-01-0$((n + 1))T00:00:00Z
	"${who[@]}" sign repo --now "$now" $how --on-fault skip --report said/report.html --metrics said/metrics.prom \
		>"said/sign-$n" 2>&1 || [ $? = 4 ] || fail "$(cat "said/sign-$n")"
	! "${who[@]}" sign repo --now "$now" $how >"said/fails-$n" 2>&1 || fail 'signed a link'
done
! "${who[@]}" sign nowhere >said/nowhere 2>&1 || fail 'signed nothing'
now=2030-01-05T00:00:00Z
for command in "verify repo --now $now" "status repo --now $now" "gc repo --now $now --dry-run" 'plan --repo repo' \
	'hash index/simple'; do
	for how in '' --json; do
		"${who[@]}" $command $how >"said/${command%% *}$how" 2>&1 || true
		[ -s "said/${command%% *}$how" ] || fail "$command says nothing"
	done
done
[ -s said/report.html ] && [ -s said/metrics.prom ] || fail 'a report is missing'
[ -s repo/state/audit.log ] && [ -s repo/state/last-run.json ] || fail 'nothing was kept'
clean 'what is published' repo/public
clean 'what is kept' repo/state
clean 'what is said' said
clean 'the configuration' repo/stampede.json
# No path of this machine but the links to the targets, which the operator configured.
! grep -rnaF "$PWD" repo/public/metadata repo/state >found || fail "a path of this machine: $(head -c 400 found)"
# Four words per line: time, role, version, digest.
! grep -vE '^[0-9TZ:-]{20} [a-z0-9-]+ [0-9]+ [0-9a-f]{64}$' repo/state/audit.log >found || fail "audit.log: $(cat found)"

# What the program never asks the system for, it cannot reveal, `bench` included.
if command -v nm >/dev/null; then
	nm -D --undefined-only "$STAMPEDE" | awk '{ print $2 }' | cut -d @ -f 1 >asked
	grep -qE '^(__)?openat' asked || fail 'nm does not show what the program asks for'
	# getpwuid_r names the owner in a refusal on the terminal, which is not kept anywhere.
	! grep -vx getpwuid_r asked | grep -xE 'gethostname|getdomainname|getlogin(_r)?|getpw.*|getgr.*|getaddrinfo|gethostby.*|getifaddrs|socket|connect' ||
		fail 'the program asks who or where it is'
fi

# After its retention all of it is removed: gc keeps the published snapshot and the roots.
[ "$(ls repo/state/commits | wc -l)" = 4 ] || fail "commits: $(ls repo/state/commits)"
rm index/link
"$STAMPEDE" gc repo --now 2030-01-06T12:00:00Z --keep 1 --audit 2d --quiet >out 2>err || fail "$(cat err)"
[ -e repo/state/last-run.json ] && [ -s repo/state/audit.log ] || fail 'gc drops what is young'
"$STAMPEDE" gc repo --now 2030-01-06T12:00:00Z --keep 1 --audit 1d --dry-run --quiet >out 2>err || fail "$(cat err)"
[ -e repo/state/last-run.json ] && [ -s repo/state/audit.log ] || fail 'a dry run drops something'
"$STAMPEDE" gc repo --now 2030-01-06T12:00:00Z --keep 1 --audit 1d --quiet >out 2>err || fail "$(cat err)"
version=$(ls repo/public/metadata/*.snapshot.json | sed 's/.*\/\([0-9]*\)\..*/\1/')
[ "$(ls repo/state/commits)" = "$version.json" ] || fail "gc leaves commits: $(ls repo/state/commits)"
[ ! -s repo/state/audit.log ] || fail "gc leaves old lines: $(cat repo/state/audit.log)"
[ ! -e repo/state/last-run.json ] || fail 'gc leaves a last run that is older than the audit log'
[ -e repo/public/metadata/1.root.json ] || fail 'gc removed a root'
# A removed target is no longer in anything that is kept after as many runs as there are generations.
gone=$(cd index && find packages -type f | sort | sed -n 1p)
rm "index/$gone"
for day in 07 08 09; do
	"$STAMPEDE" sign repo --now "2030-01-${day}T00:00:00Z" --quiet >out 2>err || fail "$(cat err)"
done
[ "$(ls repo/state/ledger/*.manifest | wc -l)" = 2 ] || fail "more than two generations: $(ls repo/state/ledger)"
"$STAMPEDE" gc repo --now 2030-01-10T12:00:00Z --keep 1 --audit 1d --quiet >out 2>err || fail "$(cat err)"
! grep -rqaF "${gone##*/}" repo/public/metadata || fail 'a target that is gone is still published'
[ -z "$(find repo/public/targets -name "*${gone##*/}")" ] || fail 'its link is still there'
