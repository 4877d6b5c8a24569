#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [--update] SCRIPT.t: runs a command line script and compares stdout, stderr and exit
# status of every command with what the script says, exactly.
#
#	# a comment
#	$ stampede sign repo --now yesterday
#	2> stampede: sign: --now: 'yesterday' is not …        a line of stderr
#	= 2                                                    exit status, 0 when left out
#	$ stampede hash file | cut -c 1-8
#	cf83e135                                               a line of stdout
#
# "(blank)" is an empty line; a line that ends in " (glob)" is a shell pattern; "..." matches any
# number of lines. Lines of stdout and stderr are compared separately, each in order. The script runs in
# one bash, in an empty scratch folder that is shown as SCRATCH in all output, with stampede,
# stampede-corpus and:
#
#	index DIR N      a small index of N files
#	as_user CMD…     CMD without root's rights (directly, when this is not root)
#	at DAY           2030-01-DAY, noon, for --now
#
# --update writes the actual output into the script: read the diff.
set -uo pipefail

update=
[ "${1:-}" = --update ] && { update=yes; shift; }
script=$(realpath "$1")
built=$(dirname "$(realpath "$0")")/../../build/dev
: "${STAMPEDE:=$built/stampede}" "${STAMPEDE_CORPUS:=$built/tools/corpus/stampede-corpus}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-cli-XXXXXX")
trap 'chmod -R u+rwX "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
mkdir "$scratch/bin" "$scratch/home"
chmod 755 "$scratch"
# Copies, because another user may not reach the build tree.
cp "$STAMPEDE" "$scratch/bin/stampede"
cp "$STAMPEDE_CORPUS" "$scratch/bin/stampede-corpus"
PATH=$scratch/bin:$PATH
export LC_ALL=C TERM=dumb
unset STAMPEDE_CPU_DISABLE

index() { stampede-corpus --count "$2" --sizes small "$1" 2>/dev/null; }
at() { printf '2030-01-%02dT12:00:00Z' "$1"; }
as_user() {
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	else
		chown -R 65534:65534 "$scratch/home"
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
}

# matches EXPECTED ACTUAL: line by line, with globs and "..."
matches() {
	local -a want got
	mapfile -t want <"$1"
	mapfile -t got <"$2"
	local w=0 g=0 anywhere=
	while [ $w -lt ${#want[@]} ]; do
		if [ "${want[w]}" = ... ]; then
			anywhere=yes
			w=$((w + 1))
			continue
		fi
		while :; do
			[ $g -lt ${#got[@]} ] || return 1
			local line=${got[g]} pattern=${want[w]}
			g=$((g + 1))
			if [[ $pattern == *' (glob)' ]]; then
				# shellcheck disable=SC2053
				[[ $line == ${pattern% (glob)} ]] && break
			elif [[ $line == "$pattern" ]]; then
				break
			fi
			[ -n "$anywhere" ] || return 1
		done
		anywhere=
		w=$((w + 1))
	done
	[ -n "$anywhere" ] || [ $g -eq ${#got[@]} ]
}

cd "$scratch/home" || exit 1
at_line=0 failed=0
command='' command_line=0 want_status=0
work=$scratch/work
mkdir "$work"
: >"$work/new"

check() { # runs the collected command and compares
	[ -n "$command" ] || return 0
	local status
	eval "$command" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	sed -i "s|$scratch/home|SCRATCH|g" "$work/out" "$work/err"
	if matches "$work/want_out" "$work/out" && matches "$work/want_err" "$work/err" &&
		[ "$status" = "$want_status" ]; then
		cat "$work/said" >>"$work/new"
	else
		{
			sed 's/^$/(blank)/' "$work/out"
			sed 's/^/2> /; s/^2> $/2>/' "$work/err"
			[ $status -eq 0 ] || echo "= $status"
		} >>"$work/new"
		failed=$((failed + 1))
		if [ -z "$update" ]; then
			echo "${script##*/}:$command_line: $command"
			diff -u --label expected --label actual "$work/want_out" "$work/out"
			diff -u --label 'expected stderr' --label 'actual stderr' "$work/want_err" "$work/err"
			[ $status = "$want_status" ] || echo "exit status $status, expected $want_status"
		fi
	fi
	command=''
}

begin() { # COMMAND
	command=$1
	command_line=$at_line
	want_status=0
	: >"$work/want_out"
	: >"$work/want_err"
	: >"$work/said"
}

# The script's file is read through descriptor 9, so that commands may use stdin.
while IFS= read -r line <&9 || [ -n "$line" ]; do
	at_line=$((at_line + 1))
	case $line in
	'$ '*)
		check
		printf '%s\n' "$line" >>"$work/new"
		begin "${line#'$ '}"
		;;
	'> '*)
		printf '%s\n' "$line" >>"$work/new"
		command+=$'\n'${line#'> '}
		;;
	'' | '#'*)
		check
		printf '%s\n' "$line" >>"$work/new"
		;;
	'2> '* | '2>') printf '%s\n' "$line" >>"$work/said"; line=${line#2>}; printf '%s\n' "${line# }" >>"$work/want_err" ;;
	'= '*) printf '%s\n' "$line" >>"$work/said"; want_status=${line#= } ;;
	*)
		printf '%s\n' "$line" >>"$work/said"
		[ "$line" = '(blank)' ] && line=''
		printf '%s\n' "$line" >>"$work/want_out"
		;;
	esac
done 9<"$script"
check

if [ -n "$update" ]; then
	cat "$work/new" >"$script"
	echo "${script##*/}: $failed commands updated"
	exit 0
fi
[ "$failed" -eq 0 ]
