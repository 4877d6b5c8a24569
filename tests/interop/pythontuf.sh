#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pythontuf.sh README: runs its python-tuf example, unchanged except for the address, against a
# repository behind Python's own web server. Without python-tuf only its syntax is checked: 77.
set -euo pipefail
command -v python3 >/dev/null || exit 77
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-pythontuf-XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
fail() { echo "$1"; exit 1; }

awk '/^```python$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$1" >"$scratch/example.py"
grep -q 'https://index.example/' "$scratch/example.py" || fail "README has no python example"
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$scratch/example.py" ||
	fail "README's python example is not valid Python"
python3 -c 'import tuf.ngclient' 2>/dev/null || exit 77

cd "$scratch"
mkdir -p index/simple/name client/metadata client/downloads
echo 'an index page' >index/simple/name/index.html
"$STAMPEDE" init repo --targets index --bins 16 --quiet >/dev/null
"$STAMPEDE" sign repo --quiet >/dev/null
cp repo/public/metadata/1.root.json client/metadata/root.json
python3 -u -m http.server 0 --bind 127.0.0.1 --directory repo/public >server.log 2>&1 &
server=$!
for _ in $(seq 100); do
	port=$(grep -oE 'port [0-9]+' server.log | cut -d ' ' -f 2) && break
	sleep 0.1
done
sed -i "s#https://index.example/#http://127.0.0.1:$port/#" example.py
cd client
file=$(python3 ../example.py) || fail "the example failed"
cmp "$file" ../index/simple/name/index.html || fail "the example downloaded something else"
