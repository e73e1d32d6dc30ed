#!/usr/bin/env bash
# Measures single functions, without sockets: bench/micro.sh [NAME...], each benchmark in a process of its own.
# bench/micro.sh --against REF measures another commit beside the working tree; --help tells the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d node_modules ] || npm ci
exec node bench/micro.mjs "$@"
