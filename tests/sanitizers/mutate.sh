#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mutate.sh ROUNDS SEED: tests/faults/mutate.py on the asan preset's program, which it builds; run from the
# top of the checkout.
set -euo pipefail
command -v python3 >/dev/null || exit 77
cmake --preset asan >/dev/null
cmake --build --preset asan -j "$(nproc)" --target stampede >/dev/null
STAMPEDE=build/asan/stampede exec tests/faults/mutate.py "$@"
