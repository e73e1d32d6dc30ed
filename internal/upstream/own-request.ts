import { FieldId, type Fields, type Framing, isToken, NO_BODY, REQUEST_DROP, without } from '../message/index.ts';
import { addHttp2Fields } from './http2/http2-fields.ts';
import type { Peer } from './peer.ts';
import type { Http2RequestHead, UpstreamRequest } from './upstream-link.ts';

/** A request that prox makes itself, on behalf of a middleware or a check. */
export interface OwnRequest {
  /** Any but CONNECT. */
  readonly method: string;
  /** Path and query in origin-form (RFC 9112 §3.2.1), in ASCII. A path prefix of the peer is not added. */
  readonly target: string;
  /** Host and port for Host or :authority; the peer's own when left out. */
  readonly authority?: string;
  /** Fields. Those that frame a message or are for one hop (RFC 9110 §7.6.1), and Host, are not sent. */
  readonly fields: Fields;
  /** The content; the caller must not change it until the call is over. Null or left out for none. */
  readonly body?: Buffer | null;
}

/** Lines that an own request leaves out: those that no request has, and those that `OwnRequest` sets in another way. */
const OWN_DROP = without(REQUEST_DROP, FieldId.contentLength, FieldId.expect, FieldId.trailer);

/** Methods whose requests without content have `Content-Length: 0` (RFC 9110 §8.6). */
const EXPECTS_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The form of a target: visible ASCII (RFC 3986 §2). */
const TARGET = /^(?:\/[!-~]*|\*)$/;

/** The head of an own request in the protocol of the peer. */
export class OwnRequestHead implements UpstreamRequest {
  readonly raw = false;
  readonly upgrade = null;
  readonly webSocketKey = null;
  readonly last = false;
  readonly method: string;
  readonly framing: Framing;
  private readonly request: OwnRequest;
  private readonly peer: Peer;

  /** @throws TypeError if the method or the target would break the message */
  constructor(request: OwnRequest, peer: Peer) {
    const { method, target, body } = request;
    if (!isToken(method) || method === 'CONNECT') throw new TypeError(`not a method: ${JSON.stringify(method)}`);
    if (!TARGET.test(target)) throw new TypeError(`not a request target: ${JSON.stringify(target)}`);
    this.method = method;
    this.framing = body === undefined || body === null ? NO_BODY : body.length;
    this.request = request;
    this.peer = peer;
  }

  http1Head(): string {
    const { method, framing, request, authority } = this;
    const length = this.tellsLength ? `Content-Length: ${framing}\r\n` : '';
    return `${method} ${request.target} HTTP/1.1\r\nHost: ${authority}\r\n${request.fields.lines(OWN_DROP)}${length}\r\n`;
  }

  http2Head(): Http2RequestHead {
    const { method, framing, request, peer, authority } = this;
    const head: Http2RequestHead = Object.create(null);
    head[':method'] = method;
    head[':authority'] = authority;
    head[':scheme'] = peer.tls === null ? 'http' : 'https';
    head[':path'] = request.target;
    addHttp2Fields(head, request.fields.pairs(OWN_DROP));
    if (this.tellsLength) head['content-length'] = String(framing);
    return head;
  }

  private get authority(): string {
    return this.request.authority ?? this.peer.authority;
  }

  private get tellsLength(): boolean {
    return this.framing !== NO_BODY || EXPECTS_CONTENT.has(this.method);
  }
}
