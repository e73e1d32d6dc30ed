#!/usr/bin/env bash
# Rules for the files themselves that no linter holds.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0

# A file over 400 lines holds more than one idea. Tests count too.
while IFS= read -r -d '' file; do
  [[ -f "$file" ]] || continue
  lines=$(wc -l <"$file")
  if ((lines > 400)); then
    echo "$file: $lines lines, and 400 are allowed" >&2
    status=1
  fi
done < <(git ls-files -z -- '*.ts' '*.mts' '*.mjs' '*.cjs' '*.sh' .ci/run)

# Download addresses tie the lock file to one registry; .npmrc leaves them out.
while IFS= read -r -d '' lock; do
  if grep -n '"resolved": "https\?://' "$lock" >&2; then
    echo "$lock: holds download addresses; npm install with the .npmrc of its folder leaves them out" >&2
    status=1
  fi
done < <(git ls-files -z -- package-lock.json '*/package-lock.json')

# Secrets of certs/make-dev-certs.sh stay on the machine that made them.
if git grep -lE -e '-----BEGIN ([A-Z]+ )?PRIVATE KEY-----' -- '*.key' '*.pem' '*.crt' >&2; then
  echo "a private key is committed" >&2
  status=1
fi

exit "$status"
