#!/usr/bin/env bash
# Measures prox beside other proxies: bench/run.sh [CASE|PROXY ...] [options]; bench/README.md says how, --help which.
# Needs Linux with 2 cores, nginx, HAProxy, wrk, h2load and openssl; as root on Debian it installs what is missing. The
# proxies written in Go are built once with the Go toolchain, where there is one; those in JavaScript come from npm.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false

case " $* " in *' --help '* | *' --list '*) exec node bench/run.mjs "$@" ;; esac

missing=()
for tool in nginx wrk taskset h2load haproxy openssl; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ "${#missing[@]}" -gt 0 ]; then
  packages=(nginx-light wrk util-linux nghttp2-client haproxy openssl)
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "bench/run.sh: missing: ${missing[*]} (Debian: apt-get install ${packages[*]})" >&2
    exit 1
  fi
  # RUNLEVEL=1 keeps the packages from starting the daemons that they bring.
  apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${packages[@]}" >/dev/null
fi
[ -d node_modules ] || npm ci
# What npm cannot bring is left out of the run, which says so.
[ -d bench/peers/node_modules ] || npm ci --silent --prefix bench/peers --ignore-scripts ||
  echo 'bench/run.sh: npm ci --prefix bench/peers failed' >&2
[ -d runtimes/node_modules ] || npm ci --silent --prefix runtimes || echo 'bench/run.sh: npm ci --prefix runtimes failed' >&2
npm run --silent build
# The core of the load, as this process has its share in some cases (idle connections); see bench/lib/process.mjs.
exec taskset -c 1 node bench/run.mjs "$@"
