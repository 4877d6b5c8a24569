#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Digest lists as they come out of databases and pipes: names of columns, end lines, what is not a list,
# repeated rows, rows that lack something, and missing files.
set -euo pipefail
: "${STAMPEDE:=$(dirname "$(realpath "$0")")/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-forms-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR
set -E
cd "$scratch"
fail() { echo "FAILED: $*" >&2; exit 1; }

mkdir index
for name in a b c; do echo "bytes of $name" >index/$name.whl; done
digest() { "$1"sum "index/$2.whl" | cut -d ' ' -f 1; }
fresh() { # REPO HASH OPTIONS: a repository that has signed nothing
	rm -rf "$1"
	"$STAMPEDE" init "$1" --targets index --bins 2 --hash "$2" --quiet "${@:3}" >/dev/null
}
sign_is() { # STATUS REPO ARGS…: out and err
	local want=$1 got=0
	shift
	"$STAMPEDE" sign "$@" --quiet --json >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "sign $*: exit $got, not $want: $(cat out err)"
}
says() { grep -qF -- "$1" err || fail "stderr does not say '$1' but: $(cat err)"; }
silent() { [ ! -s err ] || fail "stderr says: $(cat err)"; }
field_is() { grep -qE "\"$1\":$2[,}]" out || fail "$1 is not $2: $(cat out)"; }
unpublished() { [ ! -e "$1/public/metadata/timestamp.json" ] || fail "$1 was published"; }
rows() { for name in a b c; do echo "$name.whl,11,$(digest sha256 $name)"; done; }

# --- names of columns: known ones are accepted, and reported; unknown ones are named once.
for column in sha256_digest SHA-256 SHA256 Sha256sum sha2-256; do
	(echo "path,size,$column" && rows) >list
	fresh repo sha256
	sign_is 0 repo --digests list
	field_is files_hashed 0
	says "stampede: list: list: columns understood: $column as sha256"
	[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
done
(echo path,length,sha256 && rows) >list
fresh repo sha256
sign_is 0 repo --digests list
silent
(echo upload_time,filename,bytes,md5_digest,sha256 && rows | sed 's/^\([^,]*\),\([^,]*\),/now,\1,\2,0123,/') >list
fresh repo sha256
sign_is 0 repo --digests list
field_is files_hashed 0
says 'list: columns understood: bytes as length, filename as path'
says 'list: columns not used: md5_digest, upload_time'
[ "$(wc -l <err)" = 2 ] || fail "$(cat err)"
for jobs in 0 3; do
	sed 's/^\([^,]*\),\([^,]*\),\(.*\)/{"path":"\1","size":"\2","SHA256":"\\\\x\3","id":7,"url":null}/' <(rows) >list
	fresh repo sha256
	sign_is 0 repo --digests list --jobs $jobs
	field_is files_hashed 0
	says 'list: columns understood: SHA256 as sha256'
	says 'list: columns not used: id, url'
done
echo 'path,length,size,sha256' >list
fresh repo sha256
sign_is 2 repo --digests list
says 'names two columns for the length, "length" and "size"; keep one of them'

# --- why files are read is reported before they are read, with their number.
(echo path,length,sha256 && rows) >list
fresh repo sha512
mkfifo pipe
"$STAMPEDE" sign repo --digests list --quiet --dry-run >out 2>err
says 'hash: list: has no sha512 (columns used: path, length, sha256), so 3 files will be read (33 B)'
sign_is 0 repo --digests list
field_is files_hashed 3
says 'so 3 files will be read'
sign_is 0 repo --digests list # unchanged files are not read, whatever the list lacks
field_is files_hashed 0
silent
(echo path,sha256 && rows | cut -d , -f 1,3) >list
fresh repo sha256
sign_is 0 repo --digests list
says 'has no length (columns used: path, sha256), so 3 files will be read'
(echo path,length,sha256 && rows | sed '2s/,[^,]*$/,/') >list
fresh repo sha256
sign_is 0 repo --digests list
field_is files_hashed 1
says 'has 1 of 3 rows without length or digest, so 1 file will be read (11 B)'

# --- a pipe needs an end line; a file may have one.
fresh repo sha256 --target-files none
list() { echo path,length,sha256 && rows; }
for writer in list 'list && echo' 'head -c 200 <(list)' 'list | head -1' 'true' 'list && echo end' 'echo "{\"path\":\"a\"}"'; do
	{ eval "$writer" || true; } | sign_is 3 repo --digests -
	says 'stdin: '
	unpublished repo
done
says "&& echo '{\"op\":\"commit\"}'; }"
list | sign_is 3 repo --digests - --on-fault skip
says "stampede: list: stdin: ended without an end line, so it may be incomplete"
says "&& echo '#end'; }"
(list >pipe &)
sign_is 3 repo --digests pipe
says 'list: pipe: ended without an end line'
sign_is 3 repo --digests <(list)
{ list && echo '#end,4'; } | sign_is 3 repo --digests -
says 'stdin: its end line, line 5, gives 4 rows, but there are 3'
{ list && echo '#end' && echo "d.whl,1,$(digest sha256 a)"; } | sign_is 3 repo --digests -
says 'stdin: line 5 is an end line, but more lines follow it'
unpublished repo
{ list && echo '#end'; } | sign_is 0 repo --digests -
field_is targets 3
silent
{ list && printf '#end,3\r\n\r\n'; } | sign_is 0 repo --digests -
(list >pipe && echo '#end,3,' >>pipe &) # two writers are two ends
got=0
"$STAMPEDE" sign repo --digests pipe --quiet >out 2>err || got=$?
[ $got = 3 ] || [ $got = 0 ] || fail "exit $got"
sign_is 0 repo --digests <(rows | sed 's/^\([^,]*\),\([^,]*\),\(.*\)/{"path":"\1","size":\2,"sha256":"\3"}/'; echo '{"op":"commit","rows":3}')
sign_is 0 repo --digests /dev/stdin < <(list; echo '#end')
{ list && echo '#end,3'; } >list.csv
sign_is 0 repo --digests list.csv
sign_is 0 repo --digests list.csv # the same list again
field_is targets 3
{ list && echo '#end,2'; } >list.csv
sign_is 3 repo --digests list.csv
printf '{"op":"remove","path":"a.whl"}\n' >changes
sign_is 2 repo --digests changes
says 'this is a list of changes'

# --- a file that was cut off: an error even if bad rows may be skipped.
list >list.csv
for cut in 1 20 64 66 70 73; do
	head -c "-$cut" list.csv >cut.csv
	if [ $cut = 1 ]; then
		sign_is 0 repo --digests cut.csv
		says 'its last line has no line end'
		continue
	fi
	sign_is 3 repo --digests cut.csv --on-fault skip
	grep -qE 'cut.csv: is cut off in line 4|cut.csv: has a header' err || fail "cut by $cut: $(cat err)"
done
sed -n 1p list.csv >head.csv
sign_is 3 repo --digests head.csv
says 'head.csv: has a header but no rows'

# --- what is not a list.
refused() { # WORDS: the list in the file list is refused with them
	sign_is 2 repo --digests list
	says "list: list: $1"
	[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
}
list | gzip >list && refused 'is gzip data'
list | iconv -f UTF-8 -t UTF-16 >list && refused 'is UTF-16 text'
list | iconv -f UTF-8 -t UTF-16LE >list && refused 'has zero bytes: it is UTF-16'
printf '[\n{"path":"a.whl"}\n]\n' >list && refused 'is a JSON array'
printf '{\n"path":"a.whl"\n}\n' >list && refused 'is JSON over several lines'
list | tr ',' ';' >list && refused 'line 1, the header, is separated by semicolons'
list | tr ',' '\t' >list && refused 'line 1, the header, is separated by tabs'
list | tr '\n' '\r' >list && refused 'its lines end with CR alone'
echo '<html><body>404</body></html>' >list && refused 'is HTML or XML'
echo 'psql: error: connection to server on socket failed' >list && refused 'line 1 is not a header with a column "path"'
says 'psql: error'
rows >list && refused 'line 1 is not a header'
: >list && refused 'is empty'

# --- empty lines first, a byte order mark, upper case hex, bytea.
printf '\n\r\n' | cat - <(list) >list && sign_is 0 repo --digests list && silent
printf '\xef\xbb\xbf' | cat - <(list) >list && sign_is 0 repo --digests list && silent
(echo PATH,Length,sha256 && rows | awk -F, -v OFS=, '{$3 = "\\x" toupper($3); print}') >list
sign_is 0 repo --digests list
field_is targets 3
(echo path,length,sha256 && echo "a.whl,11,$(digest sha256 a | xxd -r -p | base64)") >list
sign_is 3 repo --digests list
says 'list:2: column sha256: is base64; write it in hexadecimal'

# --- rows that say the same twice are counted; those that differ are refused with both lines.
fresh repo sha256 --target-files none
(list && rows && rows | sed -n 1p) >list.csv
for night in 1 2 3; do # new, the same list again, and known rows
	[ $night != 3 ] || echo >>list.csv
	for jobs in 0 2; do
		rm -rf copy && cp -a repo copy
		sign_is 0 copy --digests list.csv --jobs $jobs
		field_is targets 3
		[ $night = 2 ] || says 'list.csv: 4 rows repeat another row exactly; each is counted once'
	done
	rm -rf repo && mv copy repo
done
(list && rows | sed -n '2s/,11,/,12,/p') >list.csv
sign_is 3 repo --digests list.csv
says 'list: b.whl: is named twice: by list.csv:3 and by list.csv:5; keep one'
(echo path,length,sha256 && rows | sed 's/,11,/,,/' && rows) >list.csv
sign_is 3 repo --digests list.csv
says 'a.whl: is named twice'
(echo path && for i in $(seq 100); do echo a.whl; done) >list.csv # more than a merge shows
sign_is 3 repo --digests list.csv
says 'a.whl: is named twice'

# --- files that a list names and the tree lacks: no dangling links, and a line says how many.
for link in symlink copy; do
	for files in auto all; do
		fresh repo sha256 --target-files $files --link $link
		list >list.csv
		mv index/b.whl index/c.whl .
		for night in 1 2; do
			sign_is 0 repo --digests list.csv
			says 'has no file for 2 targets of the list (b.whl, c.whl), so public/targets cannot serve them'
			[ "$(ls repo/public/targets | wc -l)" = 1 ] || fail "$(ls repo/public/targets)"
		done
		mv b.whl c.whl index/
		sign_is 0 repo --digests list.csv
		silent
		[ "$(ls repo/public/targets | wc -l)" = 3 ] || fail "$(ls repo/public/targets)"
		for file in repo/public/targets/*; do [ -e "$file" ] || fail "$file leads nowhere"; done
		sign_is 0 repo --digests list.csv
		silent
		field_is links_made 0
	done
done
