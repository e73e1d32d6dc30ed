import type { ProxyProtocolVersion } from '../config/index.ts';
import type { Exchange } from '../exchange/index.ts';
import { proxyHeaderV1, proxyHeaderV2 } from '../proxy-protocol/index.ts';

/**
 * The PROXY header that tells an upstream the client's address (proxy-protocol.txt §2), or null if the action sends none.
 * A connection that begins with it carries requests of that client alone.
 */
export function upstreamOpening(exchange: Exchange, version: ProxyProtocolVersion | null): Buffer | null {
  if (version === null) return null;
  const source = { address: exchange.clientAddress, port: exchange.clientPort };
  const destination = { address: exchange.localAddress, port: exchange.localPort };
  return version === 'v1' ? proxyHeaderV1(source, destination) : proxyHeaderV2(source, destination);
}
