#!/usr/bin/env bash
# Measures prox beside nginx and HAProxy: bench/run.sh [CASE ...]; without a case, all of them (about 7 minutes).
#   --list names the cases, --write puts the table into README.md and bench/README.md.
# Needs Linux with 2 cores, nginx, HAProxy, wrk and h2load; as root on Debian it installs what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for tool in nginx wrk taskset h2load haproxy openssl; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "bench/run.sh: missing: ${missing[*]} (Debian: apt-get install nginx-light wrk util-linux nghttp2-client haproxy openssl)" >&2
    exit 1
  fi
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y nginx-light wrk util-linux nghttp2-client haproxy openssl >/dev/null
fi
[ -d node_modules ] || npm ci
npm run --silent build
exec node bench/run.mjs "$@"
