import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { systemRoots } from './system-roots.ts';

/** How the TLS handshake with an upstream is done; PEM contents, not paths. */
export interface DialTls {
  /** Name for SNI and for checking the certificate; the host by default. */
  readonly serverName: string | null;
  /** Certificates to trust instead of the system's. */
  readonly ca: string | null;
  /** Accepts any certificate: for tests and closed networks alone. */
  readonly insecure: boolean;
  readonly cert: string | null;
  readonly key: string | null;
}

/** What is made once for settings, as it is dear: reading the roots of a system takes longer than a handshake. */
interface Prepared {
  readonly id: string;
  context: SecureContext | null;
}

const prepared = new WeakMap<DialTls, Prepared>();

function prepare(tls: DialTls): Prepared {
  let found = prepared.get(tls);
  if (found === undefined) {
    const { serverName, ca, insecure, cert, key } = tls;
    const text = JSON.stringify([serverName, ca, insecure, cert, key]);
    found = { id: createHash('sha256').update(text).digest('base64url').slice(0, 22), context: null };
    prepared.set(tls, found);
  }
  return found;
}

/** Identifies settings: equal ones have equal ids, also across reloads and processes. 22 characters. */
export function dialTlsId(tls: DialTls): string {
  return prepare(tls).id;
}

/** The context for handshakes with these settings. @throws Error of OpenSSL when it does not take a certificate */
export function upstreamContext(tls: DialTls): SecureContext {
  const found = prepare(tls);
  if (found.context === null) {
    const { ca, cert, key, insecure } = tls;
    found.context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(insecure ? {} : { ca: ca ?? [...systemRoots().certificates] }),
      ...(cert === null || key === null ? {} : { cert, key }),
    });
  }
  return found.context;
}

/** Sessions that are kept for resumption, about 3 kB each: one for every upstream of a large config. */
const MAX_SESSIONS = 1024;

/**
 * TLS sessions of upstreams by whom they are with, for shorter handshakes. A session goes with the settings that its
 * certificate was verified by.
 */
export class UpstreamSessions {
  private readonly sessions = new Map<string, Buffer>();

  /** The last session with a peer; undefined for none. */
  get(peer: string): Buffer | undefined {
    return this.sessions.get(peer);
  }

  /** Keeps a session, and drops the one that was renewed longest ago when there are too many. */
  keep(peer: string, session: Buffer): void {
    this.sessions.delete(peer);
    this.sessions.set(peer, session);
    if (this.sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.sessions.keys();
    if (oldest !== undefined) this.sessions.delete(oldest);
  }

  /** A handshake failed: the next one begins afresh. */
  forget(peer: string): void {
    this.sessions.delete(peer);
  }
}
