#!/usr/bin/env bash
# Installs what the tests drive from outside: nginx and haproxy as peers, curl, chromium, openssl, wrk and h2load as
# clients. Does nothing where they are present; names what is missing where it cannot install it.
set -euo pipefail

# Command and the Debian package that brings it.
tools=(git:git prlimit:util-linux nginx:nginx-light haproxy:haproxy curl:curl chromium:chromium openssl:openssl wrk:wrk h2load:nghttp2-client perl:perl-base script:bsdutils systemd-notify:systemd)

# Debian keeps servers where the path of an ordinary user does not look.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing() {
  local tool
  for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || echo "$tool"
  done
}

mapfile -t absent < <(missing)
if ((${#absent[@]} == 0)); then
  echo "all present: ${tools[*]%%:*}"
  exit 0
fi
echo "absent: ${absent[*]%%:*}"

as_root=()
if ((EUID != 0)); then
  if ! sudo -n true 2>/dev/null; then
    echo "install-tools: not root, and no sudo without a password; install these: ${absent[*]##*:}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
command -v apt-get >/dev/null || {
  echo "install-tools: no apt-get here; install these: ${absent[*]##*:}" >&2
  exit 1
}

# RUNLEVEL=1 keeps the package scripts from starting the daemons that they install.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# A mirror that is being updated fails for a moment, so try three times.
retry() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    echo "attempt $attempt of 3 failed: ${*:2}" >&2
    sleep $((attempt * 5))
  done
  return 1
}

retry apt update || echo "install-tools: apt-get update failed; trying with the lists at hand" >&2
for tool in "${absent[@]}"; do
  # One at a time: a package that does not exist here must not keep the others away.
  retry apt install --no-install-recommends "${tool##*:}" || true
done

mapfile -t absent < <(missing)
if ((${#absent[@]} > 0)); then
  echo "install-tools: could not install: ${absent[*]##*:} (for ${absent[*]%%:*})" >&2
  exit 1
fi
