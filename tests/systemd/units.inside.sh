#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests the package's units under systemd, from installing to purging. Runs in the system that boot.sh boots.
set -euo pipefail
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR
set -E
fail() {
	echo "FAILED: $*"
	journalctl -b --no-pager -o short-monotonic | tail -n 60
	exit 1
}
part() { echo "--- $*"; }
unit=stampede-sign@my-index.service repo=/srv/stampede/my-index
# starts UNIT: it succeeds. fails_to_start UNIT STATUS: it fails with this exit status.
starts() { systemctl start "$1" || fail "$1 fails: $(systemctl status --no-pager -l "$1" || true)"; }
fails_to_start() {
	if systemctl start "$1" 2>/dev/null; then fail "$1 succeeds"; fi
	[ "$(systemctl show -P ExecMainStatus "$1")" = "$2" ] ||
		fail "$1: exit status $(systemctl show -P ExecMainStatus "$1"), not $2"
	[ "$(systemctl show -P ActiveState "$1")" = failed ] || fail "$1 is $(systemctl show -P ActiveState "$1"), not failed"
}
version() { grep -oE '"version":[0-9]+' $repo/public/metadata/timestamp.json | tail -n 1 | tr -dc 0-9; }
# journal PRIORITY: the unit's messages of this priority or a more serious one, since the last mark
since=
mark() { sleep 1.1; since=$(date '+%F %T'); }
journal() {
	journalctl --sync
	journalctl -b --no-pager -o cat -p "$1" --since "$since" -t stampede _SYSTEMD_UNIT=$unit
}
mark

part 'installed: a user, and no timer that nobody asked for'
dpkg --force-depends -i /payload/stampede.deb >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
id stampede >/dev/null || fail 'no user stampede'
[ -z "$(find /etc/systemd/system -name '*stampede*')" ] || fail 'installing enables something'

part 'made and signed as the README says'
mkdir -p /srv/index/packages
for i in 1 2 3 4 5; do echo "good $i" >/srv/index/packages/f$i-1.0.whl; done
install -d -o stampede -g stampede /srv/stampede
runuser -u stampede -- stampede init $repo --targets /srv/index --bins 16 --quiet
starts $unit
[ "$(version)" = 1 ] || fail "version $(version)"
[ -z "$(journal warning)" ] || fail "a good run warns: $(journal warning)"
journal info | grep -q 'signed 5 targets' || fail "the journal lacks the summary: $(journal info)"
[ -z "$(find $repo -user root)" ] || fail 'the unit leaves files of root'
runuser -u stampede -- stampede verify $repo --quiet >/dev/null || fail 'what the unit signed does not verify'
# A run has the same features in the unit as outside: Landlock and io_uring if this kernel has them.
found() { grep -oE '"(landlock|io_backend)":("[^"]*"|[0-9]+)' $repo/state/last-run.json | tr '\n' ' '; }
inside=$(found)
runuser -u stampede -- stampede sign $repo --quiet
[ "$inside" = "$(found)" ] || fail "in the unit a run has $inside, outside $(found)"
[ "$(systemctl show -P RestrictSUIDSGID $unit)" = yes ] || fail 'the unit may make set-user-ID files'
for each in $unit stampede-gc@my-index.service; do
	systemd-analyze --no-pager security --threshold=15 $each >/tmp/security ||
		fail "$each is more exposed than it was: $(tail -n 3 /tmp/security)"
done

part 'again, every night'
starts $unit
[ "$(version)" = 3 ] || fail "version $(version)"

part 'a tampered file: the run publishes without it, and is a failure with a priority'
mkdir -p /etc/systemd/system/$unit.d
cat >/etc/systemd/system/page-somebody@.service <<-'END'
	[Service]
	Type=oneshot
	ExecStart=/bin/sh -c 'echo "$$1" >>/run/paged' sh %I
END
printf '[Unit]\nOnFailure=page-somebody@%%n.service\n' >/etc/systemd/system/$unit.d/page.conf
systemctl daemon-reload
mark
echo evil >/srv/index/packages/f1-1.0.whl
fails_to_start $unit 4
[ "$(version)" = 4 ] || fail "version $(version)"
journal err | grep -q 'packages/f1-1.0.whl: .*other bytes' || fail "no alarm of priority err: $(journal info)"
for _ in $(seq 50); do [ -e /run/paged ] && break; sleep 0.1; done
grep -q 'stampede.sign@my.index.service' /run/paged || fail "OnFailure= was not started: $(cat /run/paged)"
[ "$(systemctl list-units --failed --no-legend --plain 'stampede*' | cut -d ' ' -f 1)" = $unit ] || fail 'nothing is listed as failed'
# The alarm is raised every night until somebody decides.
fails_to_start $unit 4
echo 'good 1' >/srv/index/packages/f1-1.0.whl
starts $unit

part 'other failures'
mv /srv/index /srv/away
fails_to_start $unit 2
mv /srv/away /srv/index
mkfifo /srv/index/packages/pipe
mark
fails_to_start $unit 4
journal err | grep -q 'packages/pipe: is a FIFO' || fail "no fault of priority err: $(journal info)"
rm /srv/index/packages/pipe
starts $unit

part 'metrics, where node_exporter looks for them'
metrics=/var/lib/prometheus/node-exporter
mkdir -p $metrics
starts $unit # it exists, but belongs to root: the run continues without
[ -z "$(ls $metrics)" ] || fail "metrics in a folder of root: $(ls -l $metrics)"
chown root:stampede $metrics
chmod 2775 $metrics
starts $unit
[ "$(stat -c '%a %U' $metrics/stampede-my-index.prom)" = '644 stampede' ] || fail "metrics: $(ls -la $metrics)"
grep -q "^stampede_last_run_success{repo=\"$repo\"} 1\$" $metrics/stampede-my-index.prom || fail "metrics: $(cat $metrics/stampede-my-index.prom)"
[ "$(ls $metrics)" = stampede-my-index.prom ] || fail "left next to the metrics: $(ls $metrics)"

part 'root by hand: sent to the owner, and the timer goes on'
before=$(find $repo -printf '%p %u %T@\n' | sort | sha256sum)
if stampede sign $repo >/tmp/out 2>&1; then fail 'root signs the repository of another user'; fi
grep -q 'runuser -u stampede -- stampede sign' /tmp/out || fail "the message for root: $(cat /tmp/out)"
[ "$(find $repo -printf '%p %u %T@\n' | sort | sha256sum)" = "$before" ] || fail 'root changed the repository'
stampede status $repo >/dev/null || fail 'root cannot examine it'
starts $unit

part 'gc: what nobody wants any more goes, beside a run it waits'
count=$(find $repo/public/metadata | wc -l)
mkdir -p /etc/systemd/system/stampede-gc@my-index.service.d
printf '[Service]\nExecStart=\nExecStart=stampede gc ${STAMPEDE_REPO} --grace 0m --keep 1\n' \
	>/etc/systemd/system/stampede-gc@my-index.service.d/now.conf
systemctl daemon-reload
starts stampede-gc@my-index.service
[ "$(find $repo/public/metadata | wc -l)" -lt $((count - 16)) ] || fail "gc removed nothing: $count before"
rm -r /etc/systemd/system/stampede-gc@my-index.service.d
systemctl daemon-reload
starts stampede-gc@my-index.service
runuser -u stampede -- stampede verify $repo --quiet >/dev/null || fail 'what gc left does not verify'
starts $unit
mkfifo -m 644 /srv/rows
runuser -u stampede -- stampede sign $repo --digests /srv/rows --quiet >/dev/null 2>&1 &
exec 7>/srv/rows # a run that waits for its list holds the lock
for _ in $(seq 100); do grep -q '^sign' $repo/state/lock && break; sleep 0.1; done
sleep 0.5
systemctl start --no-block stampede-gc@my-index.service
for _ in $(seq 100); do
	[ "$(systemctl show -P SubState stampede-gc@my-index.service)" = auto-restart ] && break
	sleep 0.1
done
[ "$(systemctl show -P ExecMainStatus stampede-gc@my-index.service)" = 75 ] || fail 'gc does not wait for the run'
[ "$(systemctl show -P SubState stampede-gc@my-index.service)" = auto-restart ] || fail 'gc does not try again'
systemctl stop stampede-gc@my-index.service
exec 7>&-
wait || true

part 'timers: both, apart from each other, and an upgrade leaves them'
systemctl enable --now --quiet stampede-sign@my-index.timer stampede-gc@my-index.timer
for timer in sign gc; do
	[ "$(systemctl is-enabled stampede-$timer@my-index.timer)" = enabled ] || fail "$timer is not enabled"
	[ "$(systemctl is-active stampede-$timer@my-index.timer)" = active ] || fail "$timer is not active"
	systemctl show -P NextElapseUSecRealtime stampede-$timer@my-index.timer | grep -q . || fail "$timer never elapses"
done
dpkg --force-depends -i /payload/stampede.deb >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
[ "$(systemctl is-active stampede-sign@my-index.timer)" = active ] || fail 'an upgrade stops the timer'

part 'removed, then purged: no timer is left'
mkdir -p /var/lib/systemd/timers
: >/var/lib/systemd/timers/stamp-stampede-sign@my-index.timer
dpkg --force-depends -r stampede >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
active=$(systemctl list-units --no-legend --plain --state=active 'stampede*@*')
[ -z "$active" ] || fail "active after removing: $active"
dpkg --purge stampede >/tmp/dpkg.log 2>&1 || fail "$(cat /tmp/dpkg.log)"
left=$(find /etc/systemd/system /var/lib/systemd/timers -name '*stampede-*' ! -path '*.d' ! -path '*.d/*')
[ -z "$left" ] || fail "purging leaves $left"
[ -z "$(systemctl list-unit-files --no-legend 'stampede-*')" ] || fail "units after purging: $(systemctl list-unit-files 'stampede*')"
[ -e $repo/public/metadata/timestamp.json ] || fail 'purging takes the repository'
echo 'all is well'
