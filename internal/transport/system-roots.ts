import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';

/** The certificates that upstreams are verified against when the config names none. */
export interface SystemRoots {
  /** PEM texts, one certificate or more each. */
  readonly certificates: readonly string[];
  /** Where they are from: a path, `the system`, or `Node.js` when the system has none. */
  readonly source: string;
}

/** Where systems keep the bundle: Debian and Alpine, Fedora, openSUSE, RHEL, FreeBSD and macOS. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The source where the system has none. */
export const ROOTS_OF_NODE = 'Node.js';

let known: SystemRoots | null = null;

/**
 * The roots of the system, read once: by Node where it can (22.15 and later), else from the files that OpenSSL would
 * read (SSL_CERT_FILE, SSL_CERT_DIR, or the bundle of the system). Those of NODE_EXTRA_CA_CERTS come on top.
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

/** The text of a file with certificates; none when it cannot be read, or holds none. */
function readPem(path: string): string[] {
  try {
    const text = readFileSync(path, 'latin1');
    return text.includes('-----BEGIN CERTIFICATE-----') ? [text] : [];
  } catch {
    // What is not there is looked for elsewhere; that nothing was found is told by `source`.
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
