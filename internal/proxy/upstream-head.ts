import type { Exchange, RequestHead } from '../exchange/index.ts';
import { CHUNKED } from '../message/index.ts';
import type { Peer } from '../upstream/index.ts';
import { fieldLines, hostOf, offersTrailers, type RequestEdits, targetOf } from './upstream-fields.ts';

/** The head of the request to an upstream that speaks HTTP/1.1 (RFC 9112 §2.1). */
export function upstreamHead(exchange: Exchange, request: RequestHead, peer: Peer, edits: RequestEdits): string {
  let head = `${request.method} ${targetOf(exchange, request, peer)} HTTP/1.1\r\nHost: ${hostOf(exchange, request, peer, edits)}\r\n`;
  head += fieldLines(exchange, request, edits);
  if (request.requestFraming === CHUNKED) head += 'Transfer-Encoding: chunked\r\n';
  return head + connectionLines(exchange, request, edits);
}

/** Connection with the fields that it names, and the empty line that ends the head. */
function connectionLines(exchange: Exchange, request: RequestHead, edits: RequestEdits): string {
  if (exchange.upgrade !== null) return `Connection: upgrade\r\nUpgrade: ${exchange.upgrade}\r\n\r\n`;
  if (offersTrailers(exchange, request, edits))
    return edits.close ? 'TE: trailers\r\nConnection: TE, close\r\n\r\n' : 'TE: trailers\r\nConnection: TE\r\n\r\n';
  return edits.close ? 'Connection: close\r\n\r\n' : '\r\n';
}
