#!/usr/bin/env bash
# Ten minutes of mixed load on prox with two workers, and the memory of its processes every five seconds:
# bench/soak.sh [SECONDS] writes bench/soak.json and the curve bench/soak.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in nginx wrk h2load openssl taskset; do
  command -v "$tool" >/dev/null || { echo "bench/soak.sh: missing: $tool" >&2; exit 1; }
done
[ -d node_modules ] || npm ci
npm run --silent build
exec node bench/soak.mjs "$@"
