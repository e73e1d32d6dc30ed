import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** A certificate with its chain, and its key: PEM contents. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
  /** The host names for which it is valid: lower case, no trailing dot, `*.` at the beginning of a wildcard. */
  readonly names: readonly string[];
  /** Kind of the key: `rsa`, `ec` … */
  readonly keyType: string;
}

/** The settings that all contexts of a listener share. */
export interface TlsContextSettings {
  /** PEM bundle against which client certificates are verified; null for none. */
  readonly clientCa: string | null;
  /** Keys of the session tickets: 48 bytes, the same wherever a session may be resumed. */
  readonly ticketKeys: Buffer;
  /** The context of a session: it can be resumed only in the same context. At most 32 characters. */
  readonly sessionContext: string;
  readonly protocol: {
    readonly min: '1.2' | '1.3';
    readonly max: '1.2' | '1.3';
    /** OpenSSL names in order of preference; null for the defaults. */
    readonly ciphers: readonly string[] | null;
    readonly curves: readonly string[] | null;
  };
}

/**
 * The cipher suites of TLS 1.2 with forward secrecy and authenticated encryption (RFC 9325 §4.2): ECDHE with AES-GCM or
 * ChaCha20-Poly1305. Node's own default also has static RSA, CBC, and CCM with short tags.
 */
const DEFAULT_CIPHERS: readonly string[] = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/**
 * Seconds for which a session may be resumed without checking the certificate again: long enough for a user who returns
 * to a page, short enough for a revoked client certificate.
 */
const SESSION_LIFETIME_S = 3600;

/** The options of a context. */
export function contextOptions(
  certificates: CertificateGroup,
  { clientCa, ticketKeys, sessionContext, protocol }: TlsContextSettings,
): SecureContextOptions {
  return {
    cert: certificates.map(({ cert }) => cert),
    key: certificates.map(({ key }) => key),
    minVersion: `TLSv${protocol.min}`,
    maxVersion: `TLSv${protocol.max}`,
    // Node recognises the suites of TLS 1.3 by their prefix in capitals.
    ciphers: (protocol.ciphers ?? DEFAULT_CIPHERS).join(':').toUpperCase(),
    honorCipherOrder: true,
    ...(protocol.curves === null ? {} : { ecdhCurve: protocol.curves.join(':') }),
    // A client that renegotiates makes the server do expensive work (CVE-2011-1473). TLS 1.3 has no renegotiation.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: sessionContext,
    sessionTimeout: SESSION_LIFETIME_S,
    ticketKeys,
    ...(clientCa === null ? {} : { ca: clientCa }),
  };
}

/** Certificates for one name, of different key types. OpenSSL chooses the one that the client can verify. */
export type CertificateGroup = readonly TlsCertificate[];

/**
 * Chooses certificates by server name (RFC 6066 §3): the exact name, then the wildcard of its parent, then the first
 * certificate.
 */
export class CertificateChoice {
  /** Serves clients that ask for no name, or for an unknown one. */
  readonly first: CertificateGroup;
  /** Whether there is more than one choice. */
  readonly several: boolean;
  private readonly byName = new Map<string, CertificateGroup>();

  constructor(certificates: readonly TlsCertificate[]) {
    const groups = groupsByName(certificates);
    const known = new Map<string, CertificateGroup>();
    const shared = (group: CertificateGroup): CertificateGroup => {
      const key = group.map((certificate) => certificates.indexOf(certificate)).join(' ');
      const found = known.get(key) ?? group;
      known.set(key, found);
      return found;
    };
    this.first = shared(firstGroup(certificates, groups));
    for (const [name, group] of groups) this.byName.set(name, shared(group));
    this.several = known.size > 1;
  }

  /** @param name in normal form; null for none */
  find(name: string | null): CertificateGroup {
    if (name === null) return this.first;
    const parent = name.indexOf('.');
    const wildcard = parent < 0 ? undefined : this.byName.get(`*${name.slice(parent)}`);
    return this.byName.get(name) ?? wildcard ?? this.first;
  }
}

function groupsByName(certificates: readonly TlsCertificate[]): Map<string, TlsCertificate[]> {
  const groups = new Map<string, TlsCertificate[]>();
  for (const certificate of certificates) {
    for (const name of certificate.names) {
      const group = groups.get(name) ?? [];
      groups.set(name, group);
      if (!group.some(({ keyType }) => keyType === certificate.keyType)) group.push(certificate);
    }
  }
  return groups;
}

/** The first certificate, and the certificates of other key types for exactly the same name. */
function firstGroup(
  certificates: readonly TlsCertificate[],
  groups: ReadonlyMap<string, CertificateGroup>,
): CertificateGroup {
  const [first] = certificates;
  if (first === undefined) return [];
  const group = groups.get(first.names[0] ?? '');
  return group?.[0] === first ? group : [first];
}

/** A server name in the form that is compared: lower case, without a trailing dot. */
export function normalServerName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
