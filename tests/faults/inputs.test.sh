#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A wrong clock, roles that would expire before what they sign for, and one path from two inputs: refused
# with a remedy, and what is published stays.
. "$(dirname "$0")/lib.sh"

index 20
init repo --targets index --bins 4 --target-files none --hash sha256 --now 2030-01-01T00:00:00Z
sign_is 0 repo --json --now 2030-01-05T00:00:00Z
before=$(published repo)
unchanged() { [ "$(published repo)" = "$before" ] || fail "$1: something was published"; }

# Now is before the last published time.
sign_is 3 repo --now 2030-01-04T00:00:00Z
says 'timestamp.json: was published at 2030-01-05T00:00:00Z, after this run.s time; set the clock right'
unchanged 'a clock behind'

# Root, targets and bins end on 2031-01-01: a bin signed now would outlive them.
sign_is 3 repo --now 2030-12-31T12:00:00Z
says 'root: expires at 2031-01-01T00:00:00Z, before what this run would sign; renew it: '
unchanged 'roles about to expire'
sign_is 3 repo --now 2031-02-01T00:00:00Z
says 'root: .*expired'
unchanged 'expired roles'
sign_is 0 repo --json --now 2030-12-30T23:59:00Z
before=$(published repo)

# The same path in two rows, and in the list and the tree: both places are named, neither is used.
digest=$(printf x | sha256sum | cut -c 1-64)
other=$(printf y | sha256sum | cut -c 1-64)
printf 'path,length,sha256\na.whl,1,%s\nb.whl,1,%s\na.whl,1,%s\n' "$digest" "$digest" "$other" >list.csv
init listed --targets index --bins 4 --target-files none --hash sha256
sign_is 3 listed --digests list.csv
says 'a\.whl: is named twice: by list\.csv:[24] and by list\.csv:[24]; keep one'
[ ! -e listed/public/metadata/timestamp.json ] || fail 'a path given twice was published'
page=$(cd index && find simple -type f | sort | sed -n 1p)
printf 'path,length,sha256\n%s,1,%s\n' "$page" "$digest" >list.csv
sign_is 3 listed --digests list.csv --scan 'simple/**'
says "$page: is named twice: by .*list\.csv:2"
[ ! -e listed/public/metadata/timestamp.json ] || fail 'a path from two inputs was published'
