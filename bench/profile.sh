#!/usr/bin/env bash
# A CPU profile of prox under the load of a case: bench/profile.sh CASE [--node 20|24|26] [--seconds N] [--perf].
# Leaves bench/profiles/CASE-nodeLINE.cpuprofile, stacks and a top list beside it; --help tells the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
# Debian keeps servers where the path of an ordinary user does not look.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
missing=()
for tool in nginx wrk h2load openssl taskset; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if ((${#missing[@]} > 0)); then
  echo "bench/profile.sh: missing: ${missing[*]} (.ci/install-tools.sh installs them on Debian)" >&2
  exit 1
fi
[ -d node_modules ] || npm ci
exec node bench/profile.mjs "$@"
