#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# boot.sh FOLDER SCRIPT: boots this machine's systemd as process 1 of namespaces of its own, over a view
# of / whose changes are discarded, with nothing started but the journal, and runs /payload/SCRIPT in
# it, where FOLDER is /payload. Its output and exit status become this program's; 77 if that is not
# allowed here.
#
# Nothing reaches the machine around it: the root is an overlay, /proc/sys is read-only, there is no
# network, and control groups are below one that is removed at the end.
set -euo pipefail

# --- inside the namespaces, on the way to becoming process 1 ---------------------------------------
if [ "${1:-}" = --inside ]; then
	payload=$2 script=$3 space=$4
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 none "$space"
	root=$space/root
	mkdir "$space/upper" "$space/work" "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$space/upper,workdir=$space/work" overlay "$root"
	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
	for folder in run tmp dev; do mount -t tmpfs -o mode=755 none "$root/$folder"; done
	chmod 1777 "$root/tmp"
	for device in null zero full random urandom tty; do
		: >"$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mkdir "$root/dev/pts" "$root/dev/shm" "$root/payload" "$root/run/systemd"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t tmpfs -o mode=1777 none "$root/dev/shm"
	mount --bind "$payload" "$root/payload"

	units=$root/etc/systemd/system
	rm -rf "${units:?}"/*
	find "$root/usr/lib/systemd/system/" -path '*.wants/*' ! -name 'systemd-journald*' -delete
	cat >"$units/payload.service" <<-END
		[Unit]
		Requires=basic.target
		After=basic.target
		SuccessAction=exit
		FailureAction=exit
		[Service]
		Type=oneshot
		TimeoutStartSec=280
		Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
		ExecStart=/bin/sh -c '/payload/$script >/payload/out 2>&1; echo \$\$? >/payload/status'
	END
	cd "$root"
	exec chroot . /usr/bin/env -i container=stampede-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --unit=payload.service >payload/systemd 2>&1
fi

# --- outside -----------------------------------------------------------------------------------------
payload=$(realpath "$1") script=$2
[ "$(id -u)" = 0 ] && [ -x /lib/systemd/systemd ] && command -v unshare >/dev/null || exit 77
# If version 1 hierarchies are in use, version 2 has no controllers: enough for a test.
space=$(mktemp -d "${TMPDIR:-/tmp}/stampede-boot-XXXXXX")
mkdir "$space/groups" "$space/root"
group=$space/groups/stampede-test-$$
cleanup() {
	if [ -d "$group" ]; then
		echo $$ >"$space/groups/cgroup.procs" 2>/dev/null || true
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
	fi
	umount "$space/groups" 2>/dev/null || true
	rm -rf "$space"
}
trap cleanup EXIT
mount -t cgroup2 none "$space/groups" 2>/dev/null || exit 77
mkdir "$group" && echo $$ >"$group/cgroup.procs" || exit 77
timeout -s KILL 300 unshare --pid --mount --cgroup --uts --ipc --net --fork --kill-child \
	"$0" --inside "$payload" "$script" "$space/root" </dev/null >"$payload/boot" 2>&1 || true
if [ ! -e "$payload/out" ]; then
	echo 'systemd cannot be booted here:'
	cat "$payload/boot" "$payload/systemd" 2>/dev/null || true
	exit 77
fi
cat "$payload/out"
[ -e "$payload/status" ] || { echo 'the script did not end in time'; exit 1; }
exit "$(cat "$payload/status")"
