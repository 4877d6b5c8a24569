#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rights that a running `sign` has given up, as the kernel reports them: it is stopped in the middle
# of its work and examined, and made to try what it must not reach.
. "$(dirname "$0")/lib.sh"

index 40
init repo --targets index --bins 8 --target-files none
STAMPEDE_FAULT_POINT=publish.put:1:EIO "$STAMPEDE" sign repo --quiet >/dev/null 2>&1 &&
	skip 'no test build'
page=$(cd index && find simple -type f | sort | sed -n 1p)

# --- paths ---------------------------------------------------------------------------------------
# reaches WHAT PATH: whether the run, at WHAT, may read PATH, write it, and make PATH.new
reaches() {
	rm -f "$2.new"
	STAMPEDE_FAULT_POINT=$1:1:reach STAMPEDE_FAULT_REACH=$2 sign_is 0 repo --json
	sed -n 's/^reach: [a-z]*: //p' err | paste -sd ,
}
# refused WHAT PATH, readable WHAT PATH: although root could do all of it from outside
no='Permission denied'
refused() {
	local got
	[ -r "$2" ] || fail "$2 is not there"
	got=$(reaches "$1" "$2")
	[ "$got" = "$no,$no,$no" ] || fail "at $1 the run reaches $2: read, write, create: $got"
	[ ! -e "$2.new" ] || fail "at $1 the run made $2.new"
}
echo secret >outside
landlock=$(sign_is 0 repo --json; field landlock)
if [ "$landlock" -ge 1 ]; then
	# In the main thread (barrier), and in threads that were started later (put).
	for step in publish.put publish.barrier; do
		refused "$step" "$PWD/outside"
		refused "$step" "$PWD/repo/keys/online.pem"
		refused "$step" "$PWD/repo/offline-keys/$(ls repo/offline-keys | sed -n 1p)"
		refused "$step" "$PWD/repo/stampede.json"
		refused "$step" /etc/passwd
		got=$(reaches "$step" "$PWD/index/$page")
		[ "$got" = "done,$no,$no" ] || fail "at $step a target: read, write, create: $got"
		got=$(reaches "$step" "$PWD/repo/state/lock")
		[ "$got" = done,done,done ] || fail "at $step the state: read, write, create: $got"
		rm -f repo/state/lock.new
	done
else
	echo 'this kernel has no Landlock: what it refuses was not tested'
fi

# --- the process ---------------------------------------------------------------------------------
# stopped STEP COMMAND…: runs COMMAND until it stops at STEP; its process id is $pid
stopped() {
	local step=$1
	shift
	STAMPEDE_FAULT_POINT=$step:1:stop "$@" >out 2>err &
	pid=$!
	for _ in $(seq 500); do
		case $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
		T) return ;;
		Z | '') break ;;
		esac
		sleep 0.02
	done
	kill -KILL "$pid" 2>/dev/null || true
	fail "did not stop at $step: $(cat out err)"
}
goes_on() {
	local got=0
	kill -CONT "$pid"
	wait "$pid" || got=$?
	[ "$got" = 0 ] || fail "after it was examined: exit $got: $(cat err)"
}
has() { grep -qE "$1" "/proc/$pid/status" || fail "no '$1' in: $(cat "/proc/$pid/status")"; }

stopped publish.barrier "$STAMPEDE" sign repo --quiet
has '^NoNewPrivs:[[:space:]]+1$'
# Every thread, at a moment when there are several.
goes_on
stopped sign.flip "$STAMPEDE" sign repo --quiet --jobs 2
for task in /proc/"$pid"/task/*; do
	grep -qE '^NoNewPrivs:[[:space:]]+1$' "$task/status" || fail "$(head -n 1 "$task/status") may gain privileges"
done
[ "$(ulimit -l)" = 0 ] || has '^VmLck:[[:space:]]+[1-9][0-9]* kB$'
goes_on

# Every copy of a secret in the process is in pages that are locked and not dumped: searched while the
# keys are in use, and again when everything is signed. (Needs the right to read another's memory.)
if [ "$(id -u)" = 0 ] && [ "$(ulimit -l)" != 0 ] && command -v python3 >/dev/null; then
	for step in sign.flip publish.barrier; do
		stopped "$step" "$STAMPEDE" sign repo --quiet --jobs 2
		python3 - "$pid" repo/keys >found <<'PY' || fail "at $step: $(cat found)"
import base64, hashlib, re, sys
pid, keys = sys.argv[1:]
pem = open(f"{keys}/online.pem").read().split("\n")[1]
seed = base64.b64decode(pem)[-32:]
expanded = hashlib.sha512(seed).digest()
clamped = bytes([expanded[0] & 248]) + expanded[1:31] + bytes([expanded[31] & 127 | 64])
order = 2**252 + 27742317777372353535851937790883648493
sealtext = open(f"{keys}/ledger.key").read().strip()
secrets = {
    "seed": seed, "nonce prefix": expanded[32:], "clamped scalar": clamped,
    "scalar": (int.from_bytes(clamped, "little") % order).to_bytes(32, "little"),
    "PEM text": pem.encode(), "seal key": bytes.fromhex(sealtext), "seal key's text": sealtext.encode(),
}
header = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)")
areas, flags = [], {}
for line in open(f"/proc/{pid}/smaps"):
    m = header.match(line)
    if m:
        areas.append((int(m[1], 16), int(m[2], 16), m[3], m[4].strip()))
    elif line.startswith("VmFlags:"):
        flags[areas[-1]] = line.split()[1:]
memory, met, bad = open(f"/proc/{pid}/mem", "rb"), set(), []
for area in areas:
    begin, end, rights, name = area
    if not rights.startswith("r") or name in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
        continue
    memory.seek(begin)
    bytes_ = memory.read(end - begin)
    for what, secret in secrets.items():
        if secret not in bytes_:
            continue
        met.add(what)
        if "lo" not in flags[area] or "dd" not in flags[area]:
            bad.append(f"{what} in {rights} {name or 'anonymous memory'} {' '.join(flags[area])}")
        if what == "seed" and rights != "r--p":
            bad.append(f"{what} in writable memory")
for needed in ("seed", "nonce prefix", "scalar", "seal key"):
    if needed not in met:
        bad.append(f"{needed} not found at all: is it sought rightly?")
print("\n".join(bad))
sys.exit(bool(bad))
PY
		goes_on
	done
else
	echo 'the copies of the keys were not sought (needs root, python3 and lockable memory)'
fi

# It leaves no core file where other programs do.
cat >dies.py <<'PY'
import os, resource, subprocess, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
status = os.waitpid(child.pid, 0)[1]
print("core" if os.WCOREDUMP(status) else "none", os.WTERMSIG(status))
PY
if [ "$(python3 dies.py sh -c 'kill -ABRT $$' 2>/dev/null)" = 'core 6' ]; then
	got=$(STAMPEDE_FAULT_POINT=publish.barrier:1:abort python3 dies.py "$STAMPEDE" sign repo --quiet)
	[ "$got" = 'none 6' ] || fail "abort in the middle of signing: $got"
else
	echo 'this system keeps no core files (or has no python3): that none is left was not tested'
fi

# Another process of the same user reads neither its memory nor its environment, although it reads
# those of other programs.
as_user=()
cp "$STAMPEDE" program
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || skip 'no setpriv'
	as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chmod 755 "$scratch" program
	chown -R 65534:65534 repo
fi
peek() { "${as_user[@]}" head -c 1 "/proc/$1/$2" >/dev/null 2>&1; }
"${as_user[@]}" sleep 60 >/dev/null 2>&1 &
other=$!
for _ in $(seq 100); do [ "$(cat "/proc/$other/comm")" = sleep ] && break || sleep 0.02; done
may=yes
peek "$other" environ || may=
kill "$other"
[ -n "$may" ] || skip 'no process may be read here'
stopped publish.barrier "${as_user[@]}" "$PWD/program" sign repo --quiet
for what in environ mem auxv maps; do
	! peek "$pid" "$what" || fail "/proc/PID/$what may be read by its user"
done
goes_on
