import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';

/** The certificates against which upstreams are verified if the config names none. */
export interface SystemRoots {
  /** PEM texts with one or more certificates each. */
  readonly certificates: readonly string[];
  /** Their source: a path, `the system`, or `Node.js` if the system has none. */
  readonly source: string;
}

/** Paths of the bundle on Debian and Alpine, Fedora, openSUSE, RHEL, FreeBSD and macOS. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The source if the system has none. */
export const ROOTS_OF_NODE = 'Node.js';

let known: SystemRoots | null = null;

/**
 * The roots of the system, read once: by Node from version 22.15 on, otherwise from the files that OpenSSL would read
 * (SSL_CERT_FILE, SSL_CERT_DIR, or the bundle of the system). Those of NODE_EXTRA_CA_CERTS are added.
 */
export function systemRoots(): SystemRoots {
  return (known ??= withExtra(rootsOfNode() ?? readRoots(process.env)));
}

/** Older versions of Node lack the function. */
type StoreReader = { readonly getCACertificates?: (kind: 'system' | 'extra') => string[] };

function rootsOfNode(): SystemRoots | null {
  const certificates = (tls as StoreReader).getCACertificates?.('system') ?? [];
  return certificates.length === 0 ? null : { certificates, source: 'the system' };
}

/** @param env of the process */
export function readRoots(env: NodeJS.ProcessEnv): SystemRoots {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = env;
  const named = [
    ...(SSL_CERT_FILE ? readPem(SSL_CERT_FILE) : []),
    ...(SSL_CERT_DIR ? SSL_CERT_DIR.split(':').flatMap(readFolder) : []),
  ];
  if (named.length > 0)
    return { certificates: named, source: [SSL_CERT_FILE, SSL_CERT_DIR].filter(Boolean).join(', ') };
  for (const path of BUNDLES) {
    const certificates = readPem(path);
    if (certificates.length > 0) return { certificates, source: path };
  }
  return { certificates: tls.rootCertificates, source: ROOTS_OF_NODE };
}

function withExtra(roots: SystemRoots): SystemRoots {
  const path = process.env['NODE_EXTRA_CA_CERTS'];
  const extra = path ? readPem(path) : [];
  return extra.length === 0 ? roots : { ...roots, certificates: [...roots.certificates, ...extra] };
}

/** The text of a file with certificates; nothing if it cannot be read or contains none. */
function readPem(path: string): string[] {
  try {
    const text = readFileSync(path, 'latin1');
    return text.includes('-----BEGIN CERTIFICATE-----') ? [text] : [];
  } catch {
    // A missing file is not an error, because other places follow; `source` shows if nothing was found.
    return [];
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => readPem(join(folder, name)));
  } catch {
    // As above.
    return [];
  }
}
