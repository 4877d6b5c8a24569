#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Input from outside may hold anything; none of it controls the terminal or breaks the log of whoever
# runs a command: control bytes, bytes that are not UTF-8, and characters that change the direction of
# text are escaped in every output. The program's own texts keep their characters.
. "$(dirname "$0")/../faults/lib.sh"

evil=$'\e[2J\a\x9b\xc2\x9b\x7f\xff\xe2\x80\xaegpj\xe2\x81\xa6'

# clean WHAT FILE…: no byte of FILE controls a terminal
clean() {
	local what=$1 file
	shift
	for file; do
		if LC_ALL=C grep -qaP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$file"; then
			fail "$what lets this through: $(cat -v "$file")"
		fi
		iconv -f UTF-8 -t UTF-8 "$file" >/dev/null 2>&1 || fail "$what is not UTF-8: $(cat -v "$file")"
	done
}
# try ARGS…: runs stampede for people, for programs and with a log for programs; all must be clean, and
# each line of the log must be JSON.
runs=0
try() {
	local as
	for as in '' '--json' '--log-format json'; do
		# shellcheck disable=SC2086
		timeout 30 "$STAMPEDE" "$@" $as >out 2>err || [ $? -lt 124 ] || [ $? = 75 ] || fail "$*: died"
		clean "stampede $* $as" out err
		runs=$((runs + 1))
	done
	while IFS= read -r line; do
		[[ $line == '{"time":"'*'}' ]] || fail "stampede $*: this is not an object of the log: $line"
	done <err
}

index 20
init repo --targets index --bins 2 --hash sha256 --target-files none
sign_is 0 repo --json
cp -a repo good
fresh() { rm -rf repo && cp -a good repo; }

# Arguments of the command line.
for command in init sign gc verify status plan hash bench; do
	try "$command" --now "$evil"
	try "$command" "--$evil"
	try "$command" --jobs "$evil"
	try "$command" --expires-within "$evil" --grace "$evil"
	try "$command" "$evil" "$evil"
done
try init "new" --targets "$evil"
try init "new" --targets index --hash "$evil"
try init "new" --targets index --profile "$evil"
try init "new" --targets index --offline-keys "no/$evil"
for command in sign gc verify status 'init --update'; do
	# shellcheck disable=SC2086
	try $command "$evil"
done
try sign repo --digests "$evil"
try sign repo --report "no/$evil"
try sign repo --metrics "no/$evil"
try sign repo --allow-replace "$evil"
try verify repo --root "$evil"
try verify repo --against "$evil"
try plan --repo "$evil"

# Folders that exist under such a name.
mkdir "t$evil" && echo a >"t$evil/a"
try init "r$evil" --targets "t$evil" --bins 2
for command in sign gc verify status 'init --update'; do
	# shellcheck disable=SC2086
	try $command "r$evil"
done

# state/lock: the file may name any holder.
mkfifo wait.csv
"$STAMPEDE" sign repo --digests wait.csv >/dev/null 2>&1 &
holder=$!
for _ in $(seq 300); do grep -q "$holder" repo/state/lock && break; sleep 0.1; done
printf 'x%s%s' "$evil" "$evil" >repo/state/lock
for command in sign gc 'init --update'; do
	# shellcheck disable=SC2086
	try $command repo
	grep -q 'held by' err || fail "$command did not meet the lock: $(cat err)"
done
exec 8>wait.csv && exec 8>&-
wait "$holder" || true

# Names and contents of what is published.
fresh
echo x >"repo/public/metadata/1.$evil.json"
echo x >"repo/public/metadata/$evil"
mkdir "repo/public/targets/d$evil" && echo x >"repo/public/targets/d$evil/$evil"
try verify repo
grep -qF '\x1b' err out || fail 'verify names no stray'
try gc repo
try status repo
try sign repo
for name in timestamp 1.snapshot 1.root 1.targets 1.bins 1.bin-n-0; do
	fresh
	sed -i 's/"_type":"[a-z]*"/"_type":"\\u001b[31m\\u202e\\u009b"/; s/"keyid":"[0-9a-f]*"/"keyid":"\\u001b\\u2066"/' \
		"repo/public/metadata/$name.json"
	for command in verify status gc sign 'init --update' 'plan --repo'; do
		# shellcheck disable=SC2086
		try $command repo
	done
	printf '{"%s":1,"%s":' "$evil" "$evil" >"repo/public/metadata/$name.json"
	for command in verify status gc sign 'init --update' 'plan --repo'; do
		# shellcheck disable=SC2086
		try $command repo
	done
done

# stampede.json.
json='\u001b[2J\u202e\u2066\u009b'
for change in "s/\"profile\": \"pep458\"/\"profile\": \"$json\"/" "s/\"bins\": 2/\"$json\": 2/" "s/\"sha256\"/\"$json\"/" \
	"s/\"bin-n\"/\"$json\"/" "s/\"link\": \"symlink\"/\"link\": \"$json\"/" "s/\"simple/\"$json/" \
	"s/\"targets_dir\": \"/&$json/" "s/\"targets_dir\": \"/&\\/$json/" "s/\"root\": {/\"$json\": {/" \
	"s/\"bins\": 2/\"a$evil\": 2, \"a$evil\": 3/"; do
	fresh
	LC_ALL=C sed -i "${change//\\u/\\\\u}" repo/stampede.json
	cmp -s repo/stampede.json good/stampede.json && fail "changes nothing: $change"
	for command in sign gc 'init --update' verify status; do
		# shellcheck disable=SC2086
		try $command repo
	done
done

# The program's own characters are those of a text, not escaped bytes.
fresh
sed -i 's/"link": "symlink"/"link": "soft"/' repo/stampede.json
"$STAMPEDE" sign repo 2>err && fail 'a bad link was taken'
grep -qF ' … ' err || fail "the ellipsis is gone: $(cat err)"
"$STAMPEDE" sign repo --log-format json 2>err && fail 'a bad link was taken'
grep -qF ' … ' err || fail "the ellipsis is gone from the log: $(cat err)"

# Lists: names and rows.
fresh
digest=$(printf x | sha256sum | cut -c 1-64)
printf 'path,length,sha256\na%s,1,%s\n%s\n"%s",%s,%s\n' "$evil" "$digest" "$evil" "$evil" "$evil" "$evil" >"l$evil.csv"
printf '{"path":"%s","length":1,"sha256":"%s"}\n{"path":"%s"}\n{"%s":1}\n' "$json" "$digest" "$evil" "$json" >"l$evil.ndjson"
printf 'path,%s\n' "$evil" >head.csv
for list in "l$evil.csv" "l$evil.ndjson" head.csv; do
	try sign repo --digests "$list"
	try sign repo --digests "$list" --on-fault skip
done

# Target files.
fresh
echo x >"index/$evil"
mkfifo "index/f$evil"
ln -s "$evil" "index/l$evil"
try sign repo
try sign repo --dry-run
try sign repo --on-fault skip
try verify repo --targets index
rm "index/$evil" "index/f$evil" "index/l$evil"

# state/: the report of the last run, reservations, records, the ledger.
for text in "{\"error\":\"$json$json\",\"io_backend\":\"$json\",\"now\":\"$json\"}" "{\"error\":\"$evil\"}" "$evil"; do
	fresh
	printf '%s' "$text" >repo/state/last-run.json
	printf '%s' "$text" >repo/state/reserved
	try status repo
	try sign repo
	cp good/state/reserved repo/state/reserved
	printf '%s' "$text" >repo/state/commits/1.json
	try gc repo
	cp good/state/commits/1.json repo/state/commits/1.json
	printf '%s' "$text" >repo/state/ledger/1.manifest
	printf '%s' "$text" >"repo/state/ledger/2.manifest"
	try sign repo
	fresh
	printf '%s' "$text" >repo/state/audit.log
	printf '%s' "$text" >repo/state/links
	printf '%s' "$text" >repo/keys/online.pem
	chmod 600 repo/keys/online.pem
	try gc repo
	try sign repo
done
echo "$runs outputs hold nothing that steers a terminal"
