#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ceremony show, sign, export, add and status: what holders do, with payloads that another program made and
# signatures of openssl, signify and minisign.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
: "${STAMPEDE:=$here/../../build/dev/stampede}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/stampede-ceremony-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'echo "FAILED: line $LINENO" >&2' ERR
set -E
cd "$scratch"
umask 077
fail() { echo "FAILED: $*" >&2; exit 1; }

# is STATUS WORDS…: stampede ceremony WORDS…, its output in out and err
is() {
	local want=$1 got=0
	shift
	"$STAMPEDE" ceremony "$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "ceremony $*: exit $got, not $want: $(cat out err)"
}
says() { grep -qF -- "$1" out || fail "does not print '$1': $(cat out)"; }
complains() { grep -qF -- "$1" err || fail "does not report '$1': $(cat err)"; }
json() { python3 -c "import json,sys;v=json.load(open('out'));[v:=v[int(k) if k.isdigit() else k] for k in sys.argv[1].split('.')];print(v)" "$1"; }
payload() { python3 "$here/../support/payload.py" metadata "$@"; }
# The first two words of a payload, as its SHA-256 gives them.
words() { "$STAMPEDE" ceremony show "$1" "${@:2}" --json | python3 -c "import json,sys;print(*json.load(sys.stdin)['words'][:2])"; }
# sign STATUS PAYLOAD KEY [OPTIONS…]: types the right words
sign() {
	local status=$1 payload=$2 key=$3
	shift 3
	words "$payload" --trust root1.json >words
	is "$status" sign "$payload" --trust root1.json --key "pem:$key" "$@" <words
}

mkdir index
echo one >index/one.whl
"$STAMPEDE" init repo --targets index --bins 4 --now 2030-01-01T12:00:00Z --quiet >/dev/null
metadata=repo/public/metadata
cp -r "$metadata" metadata
cp metadata/1.root.json root1.json
keys=repo/offline-keys
mapfile -t ids < <(python3 - <<'EOF'
import json
roles = json.load(open("metadata/1.root.json"))["signed"]["roles"]
print(*roles["root"]["keyids"], *roles["targets"]["keyids"], sep="\n")
EOF
)
keyid_of() { # of a PEM secret key
	openssl pkey -in "$1" -pubout -out public.pem
	python3 "$here/../support/payload.py" metadata /dev/null "add=root:public.pem:x"
}
root1=$(keyid_of $keys/root-1.pem) root2=$(keyid_of $keys/root-2.pem) root3=$(keyid_of $keys/root-3.pem)
[ "$(printf '%s\n' "$root1" "$root2" "$root3" | sort)" = "$(printf '%s\n' "${ids[@]:0:3}" | sort)" ]
openssl genpkey -algorithm ed25519 -out fresh.pem
openssl pkey -in fresh.pem -pubout -out fresh.pub
names=("name=$root1:safe-1" "name=$root2:safe-2" "name=$root3:stick-3")
fresh=$(payload P "${names[@]}" "remove=root:$root3" add=root:fresh.pub:safe-4)
before=$(sha256sum P)

# ------------------------------------------------------------------ show
is 0 show P --trust root1.json
says 'payload '
says '"test of a ceremony"'
says 'root 1 → 2'
says "+ safe-4       ed25519  ${fresh:0:16}…  may sign root"
says "- stick-3      ed25519  ${root3:0:16}…  may no longer sign root"
says 'online: unchanged'
says 'expires 2031-01-01T12:00:00Z → 2031-06-01T00:00:00Z'
says 'NOT CHANGED: targets, bins, consistent_snapshot, spec_version'
is 0 show P --trust root1.json --now 2030-01-02T12:00:00Z
! grep -q WARNING out || fail "warns: $(cat out)"
is 0 show P --trust root1.json --now 2040-01-02T12:00:00Z
says 'WARNING: this machine'\''s clock says 2040-01-02T12:00:00Z, long after the payload was made'
is 0 show P --trust root1.json --json
[ "$(json payload)" = "${before%% *}" ]
[ "$(json documents.0.name)" = 2.root.json ]
[ "$(json words | tr -cd , | wc -c)" = 12 ]
is 2 show P
complains 'is verified from a root that you kept yourself'
is 3 show P --trust metadata/1.targets.json
complains 'is not a root that is signed by its own keys'
is 2 show --trust root1.json
complains 'give one payload'

# ------------------------------------------------------------------ sign
echo 'wrong words' >words
is 2 sign P --trust root1.json --key pem:$keys/root-1.pem <words
complains 'what was typed are not its first two words'
is 2 sign P --trust root1.json --key pem:$keys/root-1.pem </dev/null
complains 'its first two words were not typed'
ls P.*.sig 2>/dev/null && fail 'wrong words signed'
sign 0 P $keys/root-1.pem
says 'this key is safe-1: counts for root 1 (1/2) and root 2 (1/2)'
says 'Type the first two words to sign: signed 2.root.json with'
[ -f "P.${root1:0:8}.sig" ]
first=$(sha256sum "P.${root1:0:8}.sig")
sign 0 P $keys/root-1.pem
says 'had signed 2.root.json'
[ "$(sha256sum "P.${root1:0:8}.sig")" = "$first" ] || fail 'signed twice'
[ "$(sha256sum P)" = "$before" ] || fail 'the payload changed'
sign 2 P $keys/root-1.pem --out P
complains 'was left as it is'
[ "$(sha256sum P)" = "$before" ] || fail 'the payload changed'
echo other >other
sign 2 P $keys/root-1.pem --out other
complains 'was left as it is'
[ "$(cat other)" = other ]
sign 2 P $keys/targets-1.pem
complains 'signs nothing in this payload; it needs keys of: 2.root.json by root 1, 2.root.json by root 2'
sign 2 P missing.pem
complains missing.pem
sign 0 P fresh.pem --json
[ "$(json keyid)" = "$fresh" ]
[ "$(json documents)" = "['2.root.json']" ]

# ------------------------------------------------------------------ status
is 1 status P
says 'root 1: 0 of 2; not by '
says 'safe-4 is new and must sign too'
is 1 status P "P.${root1:0:8}.sig" "P.${fresh:0:8}.sig"
says 'root 1: 1 of 2, signed by safe-1; not by '
says 'root 2: 2 of 2, signed by safe-1 safe-4; not by safe-2'
says 'not complete'
sign 0 P $keys/root-3.pem --out old.sig
is 0 status P old.sig "P.${fresh:0:8}.sig" "P.${root1:0:8}.sig" "P.${root1:0:8}.sig"
says '2.root.json  complete'
is 0 status P old.sig "P.${fresh:0:8}.sig" "P.${root1:0:8}.sig" --json
[ "$(json complete)" = True ]
[ "$(json documents.0.demands.0.have)" = 2 ]
is 1 status P old.sig "P.${root1:0:8}.sig"
says 'root 2: 1 of 2'
# Only the new threshold.
is 1 status P "P.${fresh:0:8}.sig" "P.${root1:0:8}.sig"

# Signatures of another payload, of another document, altered.
payload Q "${names[@]}" "remove=root:$root2" add=root:fresh.pub:safe-4 >/dev/null
is 3 status Q "P.${root1:0:8}.sig"
complains 'holds signatures of another payload'
sed 's/2\.root\.json/3.root.json/' "P.${root1:0:8}.sig" >altered.sig
is 3 status P altered.sig
complains '3.root.json, which is not a document of this payload'
python3 - "P.${root1:0:8}.sig" altered.sig <<'EOF'
import json, sys
file = json.load(open(sys.argv[1]))
sig = file["signatures"][0]["sig"]
file["signatures"][0]["sig"] = ("0" if sig[0] != "0" else "1") + sig[1:]
open(sys.argv[2], "w").write(json.dumps(file, sort_keys=True, separators=(",", ":")))
EOF
is 3 status P altered.sig
complains 'the signature of 2.root.json by safe-1'
tr a-f A-F <"P.${root1:0:8}.sig" >altered.sig
is 3 status P altered.sig
head -c 100 "P.${root1:0:8}.sig" >altered.sig
is 3 status P altered.sig
ln -s "P.${root1:0:8}.sig" link.sig
is 3 status P link.sig
complains 'link.sig'
mkfifo fifo.sig
is 3 status P fifo.sig

# Two payloads for one root 2, both signed: none of the files fits the other.
sign 0 Q $keys/root-1.pem
sign 2 Q $keys/root-1.pem --out "P.${root1:0:8}.sig"
complains 'holds signatures of another payload'

# ------------------------------------------------------------------ export and add
is 0 export P --raw raw
says 'raw/2.root.json'
says 'openssl pkeyutl -sign -rawin'
python3 - <<'EOF'
import json
body = json.load(open("P"))["documents"][0]["signed"]
assert open("raw/2.root.json").read() == json.dumps(body, sort_keys=True, separators=(",", ":"))
EOF
is 2 export P --raw raw
complains "has a file 2.root.json already"
openssl pkeyutl -sign -rawin -inkey $keys/root-2.pem -in raw/2.root.json -out openssl.sig
is 0 add P --document root --keyid safe-2 --raw openssl.sig
says 'signed 2.root.json with'
[ -f "P.${root2:0:8}.sig" ]
is 0 add P --document 2.root.json --keyid "${root2:0:8}" --raw openssl.sig
says 'had signed'
xxd -p -c 64 openssl.sig >hex.sig 2>/dev/null || python3 -c "print(open('openssl.sig','rb').read().hex())" >hex.sig
base64 openssl.sig >base64.sig
for form in hex base64; do
	is 0 add P --document root --keyid "$root2" --raw $form.sig --out $form.out
	cmp $form.out "P.${root2:0:8}.sig"
done
is 3 add P --document root --keyid safe-1 --raw openssl.sig
complains 'is not a good signature of 2.root.json by safe-1'
is 2 add P --document 3.root.json --keyid safe-1 --raw openssl.sig
complains 'is not a document of the payload, which has 2.root.json'
is 2 add P --document root --keyid "${root2:0:7}" --raw openssl.sig
complains 'does not sign 2.root.json'
head -c 63 openssl.sig >short.sig
is 3 add P --document root --keyid safe-2 --raw short.sig
is 0 status P "P.${root2:0:8}.sig" "P.${root1:0:8}.sig" "P.${fresh:0:8}.sig"

# P-256: DER of openssl.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem 2>/dev/null
openssl pkey -in p256.pem -pubout -out p256.pub
p256=$(payload E "${names[@]}" add=root:p256.pub:token-5)
is 0 show E --trust root1.json
says '+ token-5      ecdsa'
says "php-tuf, which takes Ed25519 only, cannot use it"
is 0 export E --raw raw-e
says 'openssl dgst -sha256 -sign'
openssl dgst -sha256 -sign p256.pem -out der.sig raw-e/2.root.json
openssl pkeyutl -sign -rawin -digest sha256 -inkey p256.pem -in raw-e/2.root.json -out der2.sig
is 0 add E --document root --keyid token-5 --raw der.sig
is 0 add E --document root --keyid token-5 --raw der2.sig
printf '\0' | cat der.sig - >long.sig
is 3 add E --document root --keyid token-5 --raw long.sig --out long.out
sign 0 E p256.pem
says 'had signed'
sign 0 E p256.pem --out p256.out
sign 0 E p256.pem --out p256.out
says 'had signed'
[ -f "E.${p256:0:8}.sig" ]

# signify and minisign, where they are installed.
spki() { # of the raw 32 bytes, base64
	{ printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; base64 -d; } | openssl pkey -pubin -inform DER -pubout
}
signify=$(command -v signify-openbsd || command -v signify || true)
if [ -n "$signify" ]; then
	"$signify" -G -n -p signify.pub -s signify.sec
	tail -n 1 signify.pub | base64 -d | tail -c 32 | base64 | spki >signify.pem
	payload G "${names[@]}" add=root:signify.pem:signify-6 >/dev/null
	is 0 export G --raw raw-g
	"$signify" -S -s signify.sec -m raw-g/2.root.json -x signify.sig
	is 0 add G --document root --keyid signify-6 --raw signify.sig
	sed '2s/^R/S/' signify.sig >bad.sig
	is 3 add G --document root --keyid signify-6 --raw bad.sig --out bad.out
	complains 'not known'
fi
if command -v minisign >/dev/null; then
	minisign -G -W -p minisign.pub -s minisign.key >/dev/null
	tail -n 1 minisign.pub | base64 -d | tail -c 32 | base64 | spki >minisign.pem
	payload M "${names[@]}" add=root:minisign.pem:minisign-7 >/dev/null
	is 0 export M --raw raw-m
	minisign -S -l -W -s minisign.key -m raw-m/2.root.json -x minisign.sig >/dev/null
	is 0 add M --document root --keyid minisign-7 --raw minisign.sig
	minisign -S -W -s minisign.key -m raw-m/2.root.json -x hashed.sig >/dev/null
	is 3 add M --document root --keyid minisign-7 --raw hashed.sig --out hashed.out
	complains 'minisign -S -l'
fi

# ------------------------------------------------------------------ several documents, other payloads
payload T renew=targets renew=bins renew=root
is 0 show T --trust root1.json
says 'targets 1 → 2'
says 'bins 1 → 2'
sign 0 T $keys/targets-1.pem
says 'counts for 2.targets.json by root 2 (1/2)'
sign 0 T $keys/bins-1.pem
says 'counts for 2.bins.json by targets 2 (1/2)'
is 1 status T T.*.sig
says 'root 2: 1 of 2'
payload D drill=root drill=targets
is 0 show D --trust root1.json
says 'A DRILL: no client accepts'
sign 0 D $keys/root-2.pem
says 'signed drill.root.json with'
payload F first "set=root:version:1"
is 0 show F
says 'THE FIRST ROOT: nothing vouches for this payload'
is 2 show F --trust root1.json
complains 'makes the first root of a repository'
"$STAMPEDE" ceremony show F --json | python3 -c "import json,sys;print(*json.load(sys.stdin)['words'][:2])" >words
is 0 sign F --key pem:$keys/root-1.pem <words
payload X "set=root:roles.root.threshold:9007199254740992"
is 3 show X --trust root1.json
complains '2.root.json in it could not be published'
payload X "set=root:x-vendor:{\"a\":1}"
is 0 show X --trust root1.json
says '~ x-vendor: is new: {"a":1}'
says 'WARNING: 2.root.json signed has a field "x-vendor"'
payload X renew=root 'top:purpose="x"' "set=root:roles.root.threshold:1"
is 0 show X --trust root1.json
says 'WARNING: only 1 key must sign root from now on; before: 2'
truncate -s 1G large
is 3 show large --trust root1.json
complains 'large'
printf '{"_type":"stampede-ceremony","_type":"x"}' >twice
is 3 show twice --trust root1.json

# A full stick: nothing is left but a clear message.
words P --trust root1.json >words
(ulimit -f 0; trap '' XFSZ; exec "$STAMPEDE" ceremony sign P --trust root1.json --key pem:$keys/root-2.pem --out full.sig) \
	<words 2>&1 >/dev/null | cat >err || true
complains 'full.sig'
[ ! -e full.sig ] && ! ls .tmp-* 2>/dev/null || fail "left: $(ls -a)"
if [ -w /dev/full ]; then
	"$STAMPEDE" ceremony show P --trust root1.json >/dev/full 2>err && fail 'a full disk went unnoticed'
fi
echo ok
