# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Runs the examples of a manual page as they are printed. Sourced by tests that set
#
#	page       the page
#	scratch    the folder that stands for / in paths
#	paths      array of the paths that begin there: /srv/stampede …
#	fail       a function that prints its words and ends the test
#	succeeds   not empty: every command must end with exit status 0
#
# A block is what stands between .EX and .EE: commands behind "$ ", each followed by what it prints on stdout and
# stderr, in which "…" matches any rest of a line, and alone on a line any number of lines.

# block NUMBER: the lines of that .EX block, with the paths of here
block() {
	local path script='s/\\-/-/g'
	for path in "${paths[@]}"; do script+="; s|$path|$scratch$path|g"; done
	awk -v wanted="$1" '/^\.EX/ { n++; inside = 1; next } /^\.EE/ { inside = 0 } inside && n == wanted' "$page" |
		sed "$script"
}
# check NUMBER: what $command prints is $want
check() {
	[ -n "$command" ] || return 0
	local got=0
	bash -c "$command" >out 2>&1 || got=$?
	[ -z "${succeeds:-}" ] || [ "$got" = 0 ] || fail "block $1: '$command' exits with $got: $(cat out)"
	python3 - "$want" out <<'PY' || fail "block $1: '$command' printed: $(cat out)"
import re, sys
regex = ''
for line in sys.argv[1].rstrip('\n').split('\n'):
    regex += r'(?:[^\n]*\n)*?' if line == '…' else '[^\n]*'.join(re.escape(part) for part in line.split('…')) + '\n'
sys.exit(0 if re.fullmatch(regex, open(sys.argv[2]).read().rstrip('\n') + '\n') else 1)
PY
}
# run_block NUMBER: the commands of that block, each with the output that follows it
run_block() {
	local line command='' want=''
	while IFS= read -r line; do
		if [ "${line#\$ }" != "$line" ]; then
			check "$1"
			command=${line#\$ } want=
		else
			want+=$line$'\n'
		fi
	done < <(block "$1")
	check "$1"
}
