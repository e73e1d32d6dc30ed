#!/usr/bin/env bash
# Makes certificates for development: a private authority, and a server certificate for localhost signed by it.
#
#   certs/make-dev-certs.sh [NAME...]      more names for the server certificate, e.g. '*.prox.test'
#
# Writes beside itself dev.crt and dev.key, and ca/ca.crt and ca/ca.key (git ignores them). Makes a new server
# certificate each time, and the authority only once, so that a browser that trusts ca.crt goes on doing so. The
# authority has a folder of its own, so that `tls_cert: './certs'` finds certificates for servers only.
set -euo pipefail
cd "$(dirname "$0")"
umask 077

command -v openssl >/dev/null || { echo "make-dev-certs: openssl is not installed" >&2; exit 1; }

# Browsers refuse a server certificate that is valid for longer than this.
server_days=397
authority_days=3650

names='DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1'
for name in "$@"; do
  names+=",DNS:$name"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p ca
# Where an earlier version of this script has put it.
for file in ca.crt ca.key; do
  [[ ! -s $file || -s ca/$file ]] || mv "$file" ca/
done

if [[ ! -s ca/ca.crt || ! -s ca/ca.key ]]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$authority_days" \
    -subj '/CN=prox development authority' \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -keyout "$work/ca.key" -out "$work/ca.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
  mv "$work/ca.key" "$work/ca.crt" ca/
fi

cat >"$work/extensions" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=$names
END
{
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj '/CN=localhost' \
    -keyout "$work/dev.key" -out "$work/dev.csr"
  openssl x509 -req -in "$work/dev.csr" -CA ca/ca.crt -CAkey ca/ca.key -set_serial "0x$(openssl rand -hex 16)" \
    -sha256 -days "$server_days" -extfile "$work/extensions" -out "$work/dev.crt"
} 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
mv "$work/dev.key" "$work/dev.crt" .
chmod 755 ca
chmod 644 ca/ca.crt dev.crt

echo "certs/dev.crt, certs/dev.key: $names"
echo "certs/ca/ca.crt: trust this one, e.g. curl --cacert certs/ca/ca.crt https://localhost:8443/"
