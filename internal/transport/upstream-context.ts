import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { systemRoots } from './system-roots.ts';

/** The settings of TLS handshakes with an upstream; contents of PEM files, not paths. */
export interface DialTls {
  /** The name for SNI and for verifying the certificate; null for the host of the upstream. */
  readonly serverName: string | null;
  /** Certificates to trust instead of the system's. */
  readonly ca: string | null;
  /** Accepts any certificate; only for tests and closed networks. */
  readonly insecure: boolean;
  readonly cert: string | null;
  readonly key: string | null;
}

/**
 * The context for settings, made once because it is expensive: reading the roots of a system takes longer than a
 * handshake.
 */
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

/** Identifies settings: equal settings have equal ids, also across reloads and processes. 22 characters. */
export function dialTlsId(tls: DialTls): string {
  return prepare(tls).id;
}

/** The context for handshakes with these settings. @throws Error of OpenSSL if it does not accept a certificate */
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

/** Number of sessions that are kept for resumption, about 3 kB each: one for every upstream of a large config. */
const MAX_SESSIONS = 1024;

/**
 * TLS sessions by upstream, for shorter handshakes. A session belongs to the settings with which its certificate was
 * verified.
 */
export class UpstreamSessions {
  private readonly sessions = new Map<string, Buffer>();

  /** The last session with a peer; undefined for none. */
  get(peer: string): Buffer | undefined {
    return this.sessions.get(peer);
  }

  /** Keeps a session. If there are too many, drops the one that was renewed longest ago. */
  keep(peer: string, session: Buffer): void {
    this.sessions.delete(peer);
    this.sessions.set(peer, session);
    if (this.sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.sessions.keys();
    if (oldest !== undefined) this.sessions.delete(oldest);
  }

  /** Drops the session of a peer after a failed handshake, so that the next one does not resume it. */
  forget(peer: string): void {
    this.sessions.delete(peer);
  }
}
