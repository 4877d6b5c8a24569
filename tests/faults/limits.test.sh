#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Few descriptors, no locked memory, little address space: an error that says so, or none.
. "$(dirname "$0")/lib.sh"

index 300
init repo --targets index --bins 16 --target-files none

# Not enough descriptors for many files in flight: an error that names the reason, nothing published.
(ulimit -n 12; sign_is 3 repo)
says 'Too many open files'
[ ! -e repo/public/metadata/timestamp.json ] || fail 'published without descriptors'

# No locked memory: rings and keys do with what they get.
(ulimit -l 0; sign_is 0 repo --json)
verified repo

# A hundred megabytes of address space: refused with words, no crash, nothing published.
before=$(published repo)
got=0
(ulimit -v 120000; "$STAMPEDE" sign repo --jobs 1 >out 2>err) || got=$?
case $got in
0) ;;
3 | 75) says '[Mm]emory'; [ "$(published repo)" = "$before" ] || fail 'published half' ;;
*) fail "exit $got with little memory: $(cat err)" ;;
esac
sign_is 0 repo --json
verified repo
