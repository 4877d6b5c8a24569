#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stampede-ceremony(7), as printed: each block is run, in order, and what it prints compared.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-ceremony-manual-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "FAILED: $*" >&2; exit 1; }
command -v jq >/dev/null || { echo 'no jq'; exit 77; }
mkdir -p bin srv/stampede srv/index media/stick
for i in 1 2 3 4; do mkdir -m 700 "media/safe-$i"; done
"$STAMPEDE_CORPUS" --count 20 --sizes small srv/index 2>/dev/null
find srv/index -type f -exec touch -d '2 days ago' {} +

# What another tool published, and the keys of its holders.
"$STAMPEDE" init old --targets srv/index --bins 4 --profile prefixes --quiet >/dev/null
"$STAMPEDE" sign old --quiet
mkdir srv/old
cp -a old/public/metadata srv/old/
mv old/offline-keys media/old

# The program, and the holder who types the first two words.
cat >bin/stampede <<EOF
#!/usr/bin/env bash
set -euo pipefail
if [ "\${1:-} \${2:-}" != 'ceremony sign' ]; then exec '$STAMPEDE' "\$@"; fi
trust=()
[ "\$4" != --trust ] || trust=(--trust "\$5")
'$STAMPEDE' ceremony show "\$3" "\${trust[@]}" --json | jq -r '.words[:2] | join(" ")' >'$scratch/words'
exec '$STAMPEDE' "\$@" <'$scratch/words'
EOF
chmod +x bin/stampede
PATH=$scratch/bin:$PATH

page=$top/tools/man/stampede-ceremony.7
succeeds=yes
paths=(/srv/stampede /srv/index /srv/old /media/)
# shellcheck source=../support/manual.sh
source "$top/tests/support/manual.sh"
blocks=$(grep -c '^\.EX' "$page")
[ "$blocks" -ge 12 ] || fail "the manual page has only $blocks blocks"
for ((n = 1; n <= blocks; n++)); do run_block "$n"; done
# Keys of people never were on the signing host.
! find srv -name '*.pem' ! -path '*/keys/*' | grep . || fail 'the signing host has keys of people'
