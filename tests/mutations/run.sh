#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [PATTERN]: takes each handling that `list` names out of a copy of the source, builds it, and
# demands that its test fails: a test that passes without the handling proves nothing. PATTERN chooses
# faults by name (a regular expression).
#
# run.sh --check: only looks whether every handling still stands in the source as `list` quotes it, once,
# and whether tests/README.md has the table; run.sh --table prints that.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
source=$(realpath "$here/../..")
names=() withouts=() files=() finds=() puts=() tests=() reds=()

# Fields of a stanza: fault, without, file, find and put (several lines each), test, red.
read_list() {
	local line key value at=-1
	while IFS= read -r line; do
		[[ -z $line || $line == '#'* ]] && continue
		key=${line%% *}
		value=
		[[ $line == *' '* ]] && value=${line#* }
		case $key in
		fault) at=$((at + 1)); names[at]=$value finds[at]= puts[at]= reds[at]= ;;
		without) withouts[at]=$value ;;
		file) files[at]=$value ;;
		find) finds[at]+=${finds[at]:+$'\n'}$value ;;
		put) puts[at]+=${puts[at]:+$'\n'}$value ;;
		test) tests[at]=$value ;;
		red) reds[at]=$value ;;
		*) echo "list: what is '$key'?"; exit 1 ;;
		esac
	done <"$here/list"
}

# Prints file of the source with mutation number $1, fails unless what it looks for is there once.
mutate() {
	local text rest
	text=$(cat "$source/${files[$1]}")
	rest=${text/"${finds[$1]}"/}
	if [ "$rest" = "$text" ] || [[ $rest == *"${finds[$1]}"* ]]; then
		echo "${names[$1]}: ${files[$1]} does not hold this once:"$'\n'"${finds[$1]}" >&2
		return 1
	fi
	printf '%s\n' "${text/"${finds[$1]}"/"${puts[$1]}"}"
}

print_table() {
	local i
	echo '| fault | its test fails when | test |'
	echo '| --- | --- | --- |'
	for i in "${!names[@]}"; do echo "| ${names[i]} | ${withouts[i]} | \`${tests[i]}\` |"; done
}

check() {
	local i bad=0
	for i in "${!names[@]}"; do mutate "$i" >/dev/null || bad=1; done
	if [[ $(cat "$source/tests/README.md") != *"$(print_table)"* ]]; then
		echo 'tests/README.md does not have the table of tests/mutations/run.sh --table'
		bad=1
	fi
	exit $bad
}

# Programs that test $1 needs.
targets_of() {
	case $1 in
	unit_*_without_*) echo "${1%_without_*}_test refuse_call" ;;
	unit_*) echo "$1" ;;
	fault_network) echo stampede refuse_call ;;
	hostile_*) echo stampede stampede-hostilefs ;;
	*) echo stampede ;;
	esac
}

# Runs test $1 in the copy: 0 it passed, 1 it failed, 77 it cannot run here. What it said: $copy/out
run_test() {
	local got=0
	ctest --test-dir "$copy/build" -R "^$1\$" --timeout 120 --output-on-failure >"$copy/out" 2>&1 || got=1
	grep -q "^1/1 Test" "$copy/out" || { echo "no test $1" >&2; exit 1; }
	! grep -q 'Skipped' "$copy/out" || return 77
	return $got
}

build() { ninja -C "$copy/build" "$@" >"$copy/build.out" 2>&1; }

read_list
case ${1:-} in
--table) print_table; exit ;;
--check) check ;;
esac
pattern=${1:-.}
copy=$(mktemp -d "${TMPDIR:-/tmp}/stampede-mutations-XXXXXX")
trap 'rm -rf "$copy"' EXIT
cp -r "$source"/{CMakeLists.txt,CMakePresets.json,LICENSE,README.md,CHANGELOG.md,SECURITY.md,engine,include,bench,tests,tools} "$copy/"
# Without -Werror: a mutation may leave something unused. Little optimisation: building is what takes long.
cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O1 -DSTP_TESTS=ON \
	-DSTP_TEST_HOOKS=ON >"$copy/build.out" 2>&1 || { cat "$copy/build.out"; exit 1; }

chosen=()
declare -A wanted=()
for i in "${!names[@]}"; do
	[[ ${names[i]} =~ $pattern ]] || continue
	chosen+=("$i")
	wanted[${tests[i]}]=1
done
build stampede stampede-corpus $(for test in "${!wanted[@]}"; do targets_of "$test"; done | sort -u) ||
	{ tail -n 30 "$copy/build.out"; exit 1; }
skipped=0 bad=0
for test in "${!wanted[@]}"; do
	got=0
	run_test "$test" || got=$?
	[ $got != 1 ] || { echo "$test fails without any mutation:"; tail -n 30 "$copy/out"; exit 1; }
	[ $got = 0 ] || { echo "$test cannot run here"; wanted[$test]=; }
done
for i in "${chosen[@]}"; do
	test=${tests[i]}
	[ -n "${wanted[$test]}" ] || { skipped=$((skipped + 1)); continue; }
	mutate "$i" >"$copy/mutated" || { bad=$((bad + 1)); continue; }
	cp "$copy/mutated" "$copy/${files[i]}"
	got=0
	if ! build $(targets_of "$test"); then
		echo "DOES NOT BUILD  ${names[i]}"
		grep -m 3 error "$copy/build.out" || true
		bad=$((bad + 1))
	else
		run_test "$test" || got=$?
		if [ $got != 1 ]; then
			echo "SURVIVED        ${names[i]}: $test passes although ${withouts[i]}"
			bad=$((bad + 1))
		elif [ -n "${reds[i]}" ] && ! grep -qF -- "${reds[i]}" "$copy/out"; then
			echo "OTHER REASON    ${names[i]}: $test fails, but does not say '${reds[i]}':"
			grep -m 5 -E 'FAILED|Error|rror:' "$copy/out" || tail -n 5 "$copy/out"
			bad=$((bad + 1))
		else
			echo "seen to fail    ${names[i]}: $(grep -m 1 -E 'FAILED' "$copy/out" | cut -c 1-150)"
		fi
	fi
	cp "$source/${files[i]}" "$copy/${files[i]}"
done
echo "$((${#chosen[@]} - bad - skipped)) of ${#chosen[@]} seen to fail, $bad not, $skipped cannot run here"
[ $bad = 0 ] || exit 1
[ $skipped -lt ${#chosen[@]} ] || exit 77
