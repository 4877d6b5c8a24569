#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_preset.sh PRESET: configures, builds and tests PRESET; run from the top of the checkout.
set -euo pipefail
preset=$1
jobs=$(nproc)
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" -j "$jobs" >/dev/null || cmake --build --preset "$preset"
ctest --preset "$preset" -j "$jobs" --no-tests=ignore
