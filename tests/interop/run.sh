#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SCRIPT ARGS…: node, or 77 when setup.sh could not install the clients.
[ -d node_modules/tuf-js ] || exit 77
exec node "$@"
