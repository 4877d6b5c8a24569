#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Root, or anybody else, at a repository of another user: a command that would write is refused before it
# writes and names the command to run; a command that only reads works. No file changes its owner.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip 'needs root, for whom nothing is out of reach'
command -v setpriv >/dev/null || skip 'needs setpriv'

chmod 755 "$scratch"
cp "$STAMPEDE" program # where another user can run it
STAMPEDE=$PWD/program
other() { setpriv --reuid=65534 --regid=65534 --clear-groups "$STAMPEDE" "$@"; }
user=$(id -un 65534)
index 20
mkdir srv out
chown 65534:65534 srv out
cd srv
other init repo --targets ../index --bins 4 --quiet
other sign repo --quiet
tree() { find repo ../out -printf '%p %u %g %m %s %T@ %C@\n' | sort; }
tree >../before

# refused COMMAND WANTED ARGS…: exit 2, the advice, and not one file made, written or touched
refused() {
	local wanted=$1 got=0
	shift
	"$STAMPEDE" "$@" >../o 2>../e || got=$?
	[ "$got" = 2 ] || fail "$*: exit $got: $(cat ../o ../e)"
	grep -qE "$wanted" ../e || fail "$*: does not print '$wanted' but: $(cat ../e)"
	! grep -qE 'chown|chmod' ../e || fail "$*: advises to change the repository: $(cat ../e)"
	tree | diff ../before - || fail "$*: changed what it refused"
}
advice="repository: repo: belongs to user $user, but user root runs this; run it as its owner: runuser -u $user -- stampede"
refused "$advice sign REPO\$" sign repo
refused "$advice sign REPO\$" sign repo --quiet --on-fault skip --metrics ../out/m.prom --report ../out/r.html
refused "$advice sign REPO\$" sign repo --dry-run
refused "$advice gc REPO\$" gc repo --keep 1 --grace 0m
refused "$advice init REPO --update\$" init repo --update --yes

# Reading is allowed.
for command in 'status repo' 'status repo --expires-within 1h' 'verify repo' 'gc repo --dry-run' 'plan --repo repo'; do
	"$STAMPEDE" $command >../o 2>../e || grep -q 'belongs to user' ../e || fail "$command: $(cat ../o ../e)"
	tree | diff ../before - || fail "$command: changed what it reads"
done
"$STAMPEDE" status repo >/dev/null || fail 'root cannot look at it'
"$STAMPEDE" verify repo >/dev/null || fail 'root cannot verify it'

# The advice works, and the owner can still sign afterwards.
runuser -u "$user" -- "$STAMPEDE" sign repo --quiet 2>../e || other sign repo --quiet || fail "the owner cannot sign: $(cat ../e)"
other gc repo --keep 1 --grace 0m --quiet
other init repo --update --yes --quiet 2>/dev/null
other sign repo --quiet
[ -z "$(find repo -user root)" ] || fail "root owns $(find repo -user root)"

# A folder that root restored from a backup: the message names the problem and the remedy, for its owner
# and for root.
foreign() { # COMMAND… : refused, and says which folder
	local got=0
	"$@" >../o 2>../e || got=$?
	[ "$got" = 2 ] || fail "$*: exit $got: $(cat ../o ../e)"
	grep -q "repository: repo: its folder $folder belongs to user root, the rest to user $user; as root, give it back: chown -R $user $folder\$" ../e ||
		fail "$*: does not name $folder: $(cat ../e)"
}
for folder in state keys; do
	chown -R root "repo/$folder"
	foreign "$STAMPEDE" sign repo
	foreign "$STAMPEDE" gc repo
	foreign other sign repo
	foreign other init repo --update --yes
	chown -R "$user" "repo/$folder"
	other sign repo --quiet
done

# A single key of another user: the same, without advice to change its owner.
chown root repo/keys/online.pem
got=0
other sign repo >../o 2>../e || got=$?
[ "$got" = 2 ] || fail "a foreign key: exit $got"
grep -q 'keys: online.pem: ' ../e || fail "a foreign key: $(cat ../e)"
! grep -q chown ../e || fail "advises to chown a key: $(cat ../e)"
chown 65534 repo/keys/online.pem

# And the reverse: another user at root's repository.
cd ..
init mine --targets index --bins 4
"$STAMPEDE" sign mine --quiet
got=0
other sign mine >o 2>e || got=$?
[ "$got" = 2 ] || fail "another user at root's repository: exit $got: $(cat o e)"
grep -q "repository: mine: belongs to user root, but user $user runs this; run it as its owner: sudo -u root stampede sign REPO" e ||
	fail "another user at root's repository: $(cat e)"
[ -z "$(find mine -user 65534)" ] || fail 'another user wrote into it'

# Made by root in a user's folder: reported at once, not by the timer at night.
"$STAMPEDE" init srv/new --targets index --bins 4 >o 2>e
grep -q "belongs to user root, but the folder around it to user $user" e || fail "init by root below $user: $(cat e)"
