import { createHash } from 'node:crypto';
import type { Deadlines } from '../base/index.ts';
import type { ServiceConfig } from '../config/index.ts';
import { TlsAcceptor } from '../transport/index.ts';

/**
 * Makes the acceptor that terminates TLS for a service; null for a plain listener, and for one without a certificate.
 * @param ticketKeys keys of the session tickets: 48 bytes
 */
export function createTlsAcceptor(config: ServiceConfig, ticketKeys: Buffer, deadlines: Deadlines): TlsAcceptor | null {
  const { tls, limits } = config;
  if (tls === null || tls.certificates.length === 0) return null;
  const settings = {
    certificates: tls.certificates,
    h2: tls.h2,
    clientCa: tls.clientCa,
    clientRequired: tls.clientAuth === 'require',
    handshakeTimeout: limits.tlsHandshakeTimeout,
    ticketKeys,
    protocol: tls.protocol,
    sessionContext: sessionContextOf(config),
  };
  return new TlsAcceptor(settings, deadlines);
}

/**
 * The context in which sessions of a service are valid. A session contains the client certificate that was verified
 * when it began. It must not be valid for a service that trusts other authorities, or after a reload that has changed
 * them.
 */
function sessionContextOf({ name, tls }: ServiceConfig): string {
  const text = JSON.stringify([name, tls?.clientCa ?? null, tls?.clientAuth ?? null]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 32);
}
