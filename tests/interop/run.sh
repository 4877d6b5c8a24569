#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SCRIPT ARGS…: runs node, or exits with 77 if setup.sh could not install the clients.
[ -d node_modules/tuf-js ] || exit 77
exec node "$@"
