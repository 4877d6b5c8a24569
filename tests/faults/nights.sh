# SPDX-License-Identifier: Apache-2.0
#
# Shared by tests of many nights: an index of 40 files, and runs as a user to whom permissions apply.
# Sourced after lib.sh.

user=()
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$scratch"
	cp "$STAMPEDE" program
	STAMPEDE=$PWD/program
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
# night STATUS REPO ARGS…: sign_is, as a user to whom permissions apply
night() {
	local want=$1 got=0
	shift
	"${user[@]}" "$STAMPEDE" sign "$@" --json >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "sign $*: exit $got, not $want: $(cat out err)"
}
# shellcheck disable=SC2034 # used by those who source this
file=packages/f1-1.0.whl
# fresh: repo signed from an index of 40 files
fresh() {
	chmod -R u+rwX index top 2>/dev/null || true
	rm -rf index top repo
	mkdir -p index/packages index/simple top
	for i in $(seq 39); do echo "good $i" >"index/packages/f$i-1.0.whl"; done
	echo page >index/simple/index.html
	ln -s top/repo repo
	[ ${#user[@]} = 0 ] || chown 65534 top
	"${user[@]}" "$STAMPEDE" init top/repo --targets index --bins 4 --hash sha256 --target-files none --quiet >/dev/null
	night 0 repo
	field_is targets 40
}
signed() {
	[ "$(signed_digest repo "$file")" = "$(sha256sum "index/$file" | cut -c 1-64)" ] || fail "$1: not signed"
}
# rows: the index as rows of a list
rows() { (cd index && find . -type f -printf '%P\n' | sort | while read -r f; do echo "$f,$(stat -c %s "$f"),$(sha256sum "$f" | cut -c 1-64)"; done); }
# at DAY: a time
start=$(($(date +%s) + 3600))
at() { date -u -d "@$((start + $1 * 86400))" +%Y-%m-%dT%H:%M:%SZ; }
