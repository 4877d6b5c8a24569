#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Parts of a repository that are lost: state/, public/targets and the seal key are made again by the next
# sign, with a line that reports it; other commands name that command. What is signed stays the same, alarms are
# still raised, and a run that fails or dies half way does not change that.
[ ! -w /dev/shm ] || export TMPDIR=${TMPDIR:-/dev/shm}
. "$(dirname "$0")/lib.sh"

index 20
find index -type f -exec touch -d '2 days ago' {} +
init base --targets index --bins 4 --hash sha256
sign_is 0 base
sign_is 0 base
changed=$(cd index && find packages -type f | head -n 1)
# made WHAT: the line is printed once
made() { [ "$(grep -cE -- "^stampede: $1: was lost and is created again" err)" = 1 ] || fail "no line about $1: $(cat err)"; }
quiet() { [ ! -s err ] || fail "a later run still reports: $(cat err)"; }
lose() {
	rm -rf repo && cp -a base repo
	(cd repo && rm -r "$@")
}
whole() {
	verified repo
	"$STAMPEDE" verify repo --targets index >verify.out 2>&1 || fail "verify --targets: $(cat verify.out)"
	[ "$(find repo/public/targets -type l -o -type f | wc -l)" -ge 20 ] || fail 'target files are missing'
	[ "$(stat -c %a repo/state repo/public/targets repo/keys/ledger.key | tr '\n' ' ')" = '700 755 600 ' ] || fail 'modes'
	sign_is 0 repo
	quiet
}
names_sign() {
	"$STAMPEDE" "$@" >out 2>err && fail "$* succeeded"
	says '(is not there|does not exist); `stampede sign` makes (it again|a new one)'
}

lose state
for command in 'status repo' 'gc repo' 'sign repo --dry-run' 'init repo --update --yes'; do
	# shellcheck disable=SC2086
	names_sign $command
done
[ ! -e repo/state ] || fail 'a command that only reads made state/'
sign_is 0 repo
made 'repository: state'
whole

lose public/targets
names_sign gc repo
sign_is 0 repo
made 'links: public/targets'
# All names are made, not only the part that one run checks.
grep -q 'names of' err && fail "names were repaired, not made: $(cat err)"
whole

lose keys/ledger.key
names_sign gc repo
names_sign init repo --update --yes
names_sign sign repo --dry-run
mkfifo index/fifo # a first run that fails, and the next
sign_is 3 repo
made 'keys: keys/ledger.key'
rm index/fifo
sign_is 0 repo
whole

lose state public/targets keys/ledger.key
sign_is 0 repo
made 'repository: state'
made 'links: public/targets'
made 'keys: keys/ledger.key'
whole

# None of that accepts other bytes.
cp -p "index/$changed" kept
for part in state keys/ledger.key; do
	lose "$part"
	echo x >>"index/$changed"
	sign_is 3 repo
	says "$changed: has other bytes than were signed before"
	cp -p kept "index/$changed"
done

# No version number is used twice: a backup without its seal key is still recognised.
lose keys/ledger.key
cp -a repo/. copy && rm -rf repo && mv copy repo
touch -d '1 day ago' repo/state/floors
sign_is 0 repo
says 'was restored from a backup'

# A part that cannot be made again is named with its source.
for part in public/metadata keys keys/online.pem; do
	lose "$part"
	"$STAMPEDE" sign repo >out 2>err && fail "signed without $part"
	says 'restore (it|public/metadata|this online key) from a backup|cannot open the key file'
	[ ! -e "repo/$part" ] || fail "$part was made"
done

lose state public/targets keys/ledger.key
STAMPEDE_FAULT_TRACE=$scratch/trace "$STAMPEDE" sign repo --quiet 2>/dev/null
[ -s trace ] || exit 0
for step in $(sort -u trace | sed 's/$/:1/'); do
	lose state public/targets keys/ledger.key
	STAMPEDE_FAULT_POINT=$step "$STAMPEDE" sign repo --quiet >/dev/null 2>&1 || true
	sign_is 0 repo
	verified repo
	[ "$(find repo/public/targets -type l -o -type f | wc -l)" -ge 20 ] || fail "killed at $step: target files are missing"
done
