import { readFile } from 'node:fs/promises';
import type { Deadlines } from '../base/index.ts';
import type { ServiceConfig } from '../config/index.ts';
import { TlsAcceptor } from '../transport/index.ts';

/** Makes what terminates TLS for a service; null for a plain listener. @throws Error when a file cannot be read */
export async function createTlsAcceptor(config: ServiceConfig, deadlines: Deadlines): Promise<TlsAcceptor | null> {
  const { tls, limits } = config;
  if (tls === null || tls.cert === null || tls.key === null) return null;
  const [cert, key] = await Promise.all([readFile(tls.cert, 'utf8'), readFile(tls.key, 'utf8')]);
  const settings = {
    certificates: [{ cert, key }],
    h2: tls.h2,
    clientCa: null,
    clientRequired: false,
    handshakeTimeout: limits.tlsHandshakeTimeout,
  };
  return new TlsAcceptor(settings, deadlines);
}
