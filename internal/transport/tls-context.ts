import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

/** A certificate with its chain, and its key: PEM contents. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
  /** Host names that it is for: lower case, no trailing dot, `*.` in front of a wildcard. */
  readonly names: readonly string[];
  /** Kind of the key: `rsa`, `ec` … */
  readonly keyType: string;
}

/** What all contexts of a listener share. */
export interface TlsContextSettings {
  /** PEM bundle that client certificates are verified against; null for none. */
  readonly clientCa: string | null;
  /** Keys of the session tickets: 48 bytes, the same wherever a session may be resumed. */
  readonly ticketKeys: Buffer;
  /** What a session belongs to: one of another context is not resumed. At most 32 characters. */
  readonly sessionContext: string;
}

/**
 * Seconds for which a session may be resumed, without the certificate being looked at again: long enough for who comes
 * back to a page, short enough for a revoked client certificate.
 */
const SESSION_LIFETIME_S = 3600;

/** The options of a context: TLS 1.2 and 1.3 with the ciphers and groups that Node calls modern. */
export function contextOptions(
  certificates: readonly TlsCertificate[],
  { clientCa, ticketKeys, sessionContext }: TlsContextSettings,
): SecureContextOptions {
  return {
    cert: certificates.map(({ cert }) => cert),
    key: certificates.map(({ key }) => key),
    minVersion: 'TLSv1.2',
    // A client that renegotiates makes the server work for nothing (CVE-2011-1473); TLS 1.3 has done away with it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: sessionContext,
    sessionTimeout: SESSION_LIFETIME_S,
    ticketKeys,
    ...(clientCa === null ? {} : { ca: clientCa }),
  };
}

/**
 * Chooses certificates by server name (RFC 6066 §3): the exact name, then the wildcard of its parent, then the first
 * certificate. Certificates of different key types for one name stand in one context, where OpenSSL takes the one
 * that the client can verify.
 */
export class TlsContexts {
  /** Answers clients that ask for no name, or for one that is not there. */
  readonly first: readonly TlsCertificate[];
  private readonly byName = new Map<string, SecureContext>();
  private readonly firstContext: SecureContext;

  constructor(certificates: readonly TlsCertificate[], settings: TlsContextSettings) {
    const groups = new Map<string, TlsCertificate[]>();
    for (const certificate of certificates) {
      for (const name of certificate.names) {
        const group = groups.get(name) ?? [];
        groups.set(name, group);
        if (!group.some(({ keyType }) => keyType === certificate.keyType)) group.push(certificate);
      }
    }
    this.first = firstGroup(certificates, groups);
    this.firstContext = createSecureContext(contextOptions(this.first, settings));
    const contexts = new Map([[groupKey(certificates, this.first), this.firstContext]]);
    for (const [name, group] of groups) {
      const key = groupKey(certificates, group);
      const context = contexts.get(key) ?? createSecureContext(contextOptions(group, settings));
      contexts.set(key, context);
      this.byName.set(name, context);
    }
    this.several = contexts.size > 1;
  }

  /** Whether there is anything to choose. */
  readonly several: boolean;

  /** The SNICallback of a tls.Server. */
  readonly choose = (name: string, done: (error: Error | null, context: SecureContext) => void): void => {
    done(null, this.find(name));
  };

  /** @param name as the client has sent it */
  find(name: string): SecureContext {
    const normal = normalServerName(name);
    const parent = normal.indexOf('.');
    return (
      this.byName.get(normal) ??
      (parent < 0 ? undefined : this.byName.get(`*${normal.slice(parent)}`)) ??
      this.firstContext
    );
  }
}

/** The first certificate, and those of other key types for the very same name. */
function firstGroup(
  certificates: readonly TlsCertificate[],
  groups: ReadonlyMap<string, readonly TlsCertificate[]>,
): readonly TlsCertificate[] {
  const [first] = certificates;
  if (first === undefined) return [];
  const group = groups.get(first.names[0] ?? '');
  return group?.[0] === first ? group : [first];
}

function groupKey(all: readonly TlsCertificate[], group: readonly TlsCertificate[]): string {
  return group.map((certificate) => all.indexOf(certificate)).join(' ');
}

/** A server name as it is compared: lower case, without a trailing dot. */
export function normalServerName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
