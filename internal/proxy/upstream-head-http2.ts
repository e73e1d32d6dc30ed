import type { Exchange, RequestHead } from '../exchange/index.ts';
import { joinedLines } from '../message/index.ts';
import type { Http2RequestHead, Peer } from '../upstream/index.ts';
import { fieldLines, hostOf, offersTrailers, type RequestEdits, targetOf } from './upstream-fields.ts';

/**
 * Names of lines that HTTP/2 does not take over: the authority is a pseudo-field, TE is written separately, and an extended
 * CONNECT has no handshake of RFC 6455 (RFC 8441 §5).
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['host', 'te', 'sec-websocket-key']);

/**
 * The head of the request to an upstream that speaks HTTP/2 (RFC 9113 §8.3.1). It takes over the lines of HTTP/1.1: names
 * become lower case (§8.2), and lines of one name become a list, as node:http2 refuses several lines of some names.
 */
export function upstreamHeadHttp2(
  exchange: Exchange,
  request: RequestHead,
  peer: Peer,
  edits: RequestEdits,
): Http2RequestHead {
  const head: Http2RequestHead = Object.create(null);
  if (exchange.upgrade === null) {
    head[':method'] = request.method;
  } else {
    head[':method'] = 'CONNECT';
    head[':protocol'] = exchange.upgrade.toLowerCase();
  }
  head[':authority'] = hostOf(exchange, request, peer, edits) || peer.authority;
  if (request.method !== 'CONNECT') {
    head[':scheme'] = peer.tls === null ? 'http' : 'https';
    head[':path'] = targetOf(exchange, request, peer);
  }
  addLines(head, fieldLines(exchange, request, edits));
  if (offersTrailers(exchange, request, edits)) head['te'] = 'trailers';
  return head;
}

function addLines(head: Http2RequestHead, lines: string): void {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start);
    const colon = lines.indexOf(':', start);
    const name = lines.slice(start, colon).toLowerCase();
    const value = lines.slice(colon + 2, end);
    start = end + 2;
    if (LEFT_OUT.has(name)) continue;
    const before = head[name];
    head[name] = before === undefined ? value : joinedLines(name, before, value);
  }
}
