import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** The parsed properties of a certificate with its chain and its key. */
export interface ReadPair {
  readonly names: readonly string[];
  /** As node:crypto names it: `rsa`, `ec`, `ed25519` … */
  readonly keyType: string;
  /** Whether it may sign other certificates (RFC 5280 §4.2.1.9): a certificate of an authority is not meant for a server. */
  readonly authority: boolean;
  /** Faults that exist, or will soon, as text. */
  readonly warnings: readonly string[];
}

/** A pair that cannot be used; `part` names the faulty file. */
export class BadPair extends Error {
  readonly part: 'cert' | 'key';

  constructor(part: 'cert' | 'key', message: string) {
    super(message);
    this.part = part;
  }
}

/** Certificates in one file: chains have two or three, bundles of roots about 150. */
const MAX_CERTIFICATES = 1000;

/**
 * Certificates are usually renewed a month before they expire. This late, renewal has failed, but there is still time
 * to act.
 */
const EXPIRES_SOON_DAYS = 14;

const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate in PEM (RFC 7468 §5). */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads a pair as OpenSSL will.
 * @param cert PEM text, the certificate of the key first
 * @param now milliseconds since 1970
 * @throws BadPair
 */
export function readPair(cert: string, key: string, now = Date.now()): ReadPair {
  const chain = readCertificates(cert);
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]];
  const readKey = readPrivateKey(key);
  if (!leaf.checkPrivateKey(readKey)) {
    const own = chain.findIndex((each) => each.checkPrivateKey(readKey));
    if (own > 0)
      throw new BadPair('cert', `its first certificate must be the one of the key, which is number ${own + 1}`);
    throw new BadPair('key', 'it is not the key of the certificate');
  }
  const begin = Date.parse(leaf.validFrom);
  const end = Date.parse(leaf.validTo);
  const refusal = refusalOfOpenSsl(cert, key);
  if (refusal !== null) throw new BadPair('cert', `OpenSSL does not take it: ${refusal}`);
  const warnings = [...chainWarnings(chain, now)];
  // Only a warning: one expired certificate must not prevent a start or a reload for all others.
  if (now < begin) warnings.unshift(`it is not valid before ${dateText(begin)}; clients refuse it until then`);
  else if (now >= end) warnings.unshift(`it has expired on ${dateText(end)}; clients refuse it`);
  else if (end - now < EXPIRES_SOON_DAYS * DAY_MS) warnings.unshift(`it expires on ${dateText(end)}`);
  return { names: namesOf(leaf), keyType: readKey.asymmetricKeyType as string, authority: leaf.ca, warnings };
}

/** Reads a bundle of certificates to trust. @throws BadPair */
export function checkBundle(pem: string): void {
  readCertificates(pem);
}

function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE);
  if (blocks === null) {
    const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
    const what = found === undefined ? 'no PEM' : found === 'CERTIFICATE' ? 'one that is cut off' : `a ${found}`;
    throw new BadPair('cert', `expected a PEM certificate, found ${what}`);
  }
  if (blocks.length > MAX_CERTIFICATES) throw new BadPair('cert', `it has more than ${MAX_CERTIFICATES} certificates`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new BadPair('cert', `certificate number ${index + 1} in it is damaged`);
    }
  });
}

function readPrivateKey(pem: string): KeyObject {
  const label = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----/.exec(pem)?.[1];
  if (label === undefined) {
    throw new BadPair('key', `expected a PEM private key, found ${pem.includes('-----BEGIN ') ? 'none' : 'no PEM'}`);
  }
  if (label.startsWith('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new BadPair('key', 'it is encrypted, and prox cannot ask for a passphrase; decrypt it with `openssl pkey`');
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw new BadPair('key', `its ${label} is damaged, or of a kind that is not known`);
  }
}

/** Why OpenSSL refuses a pair at its default security level: keys that are too short, signatures by SHA-1 … */
function refusalOfOpenSsl(cert: string, key: string): string | null {
  try {
    createSecureContext({ cert, key });
    return null;
  } catch (error) {
    const { reason, message } = error as Error & { readonly reason?: string };
    return reason ?? message;
  }
}

function* chainWarnings(chain: readonly X509Certificate[], now: number): Generator<string> {
  for (let index = 1; index < chain.length; index++) {
    const issuer = chain[index];
    if (!chain[index - 1].checkIssued(issuer)) {
      yield `its chain is out of order: certificate number ${index + 1} has not issued the one before it`;
    }
    const end = Date.parse(issuer.validTo);
    if (now >= end) yield `certificate number ${index + 1} of its chain has expired on ${dateText(end)}`;
  }
}

/** The names of RFC 6125 §6.4: those of the subject alternative names, the common name only where there are none. */
function namesOf(certificate: X509Certificate): readonly string[] {
  const { subjectAltName, subject } = certificate;
  if (subjectAltName === undefined) {
    const common = /^CN=(.+)$/m.exec(subject)?.[1];
    return Object.freeze(common === undefined ? [] : hostNames([common]));
  }
  const parts = subjectAltName.split(', ').filter((part) => part.startsWith('DNS:'));
  return Object.freeze(hostNames(parts.map((part) => part.slice('DNS:'.length))));
}

/** Drops names that Node quotes: they have characters that no host name has, so no client can ask for them. */
function hostNames(names: readonly string[]): string[] {
  const normal = names.map((name) => name.toLowerCase().replace(/\.$/, ''));
  return [...new Set(normal.filter((name) => /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)))];
}

function dateText(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');
}
