import type { Exchange, RequestHead, Template } from '../exchange/index.ts';
import {
  type DropTable,
  FieldId,
  type Fields,
  type Framing,
  isAuthority,
  NO_BODY,
  REQUEST_DROP,
  tellsLength,
  withoutReceived,
} from '../message/index.ts';
import type { Peer } from '../upstream/index.ts';
import { maxForwardsLine } from './max-forwards.ts';
import type { OwnedNames } from './owned-names.ts';

/** Received lines that prox replaces by lines of its own. Lines that filters have set under these names are forwarded. */
const DROP_OF_TRUSTED = withoutReceived(
  REQUEST_DROP,
  FieldId.forwarded,
  FieldId.xForwardedFor,
  FieldId.xForwardedHost,
  FieldId.xForwardedProto,
  FieldId.via,
  FieldId.maxForwards,
);

/** The same, and lines that only a trusted proxy may send: X-Forwarded-Port, -Prefix and the others, X-Real-IP. */
const DROP_OF_OTHERS = withoutReceived(DROP_OF_TRUSTED, FieldId.xForwardedOther, FieldId.xRealIp);

/** The entry of prox in Via: the version of the received request and the name (RFC 9110 §7.6.3). */
const VIA = '1.1 prox';
const VIA_OF_OTHERS: Readonly<Record<string, string>> = { 'HTTP/1.0': '1.0 prox', 'HTTP/2.0': '2.0 prox' };

/** The fields that a proxy action sets on each request. */
export interface RequestEdits {
  /** The configured Host; null if Host is the upstream's authority, or the client's with `preserveHost`. */
  readonly host: Template<Exchange> | null;
  readonly preserveHost: boolean;
  /** Names as configured, with their values; Host is not among them. */
  readonly fields: readonly { readonly name: string; readonly value: Template<Exchange> }[];
  /** Fields of the client with these names are not forwarded. */
  readonly owned: OwnedNames;
  /** The ids of these names: prox does not write its own lines for them. */
  readonly replaced: DropTable;
  /** Ask the upstream to close the connection after the response. */
  readonly close: boolean;
}

/**
 * The fields of the request to the upstream, without Host and the fields that frame the body: the client's fields, written
 * anew, without those of this hop. Each is a line, `name: value CRLF`. The fields of a request that was not edited are not
 * changed, because a fallback and the access log need them as the client sent them.
 */
export function fieldLines(exchange: Exchange, request: RequestHead, edits: RequestEdits): string {
  const fields = request.requestFields;
  const length = lengthLine(fields, request.requestFraming);
  const { owned } = edits;
  const omit = fields.namesHold('_') ? owned.withUnderscores : owned.omitted;
  let lines = fields.lines(exchange.trusted ? DROP_OF_TRUSTED : DROP_OF_OTHERS, omit);
  if (writes(FieldId.maxForwards, fields, edits)) lines += maxForwardsLine(fields, request.method);
  lines += forwardedLines(exchange, fields, edits);
  for (const { name, value } of edits.fields) lines += `${name}: ${value.constant ?? value.render(exchange)}\r\n`;
  return lines + length;
}

/**
 * The Content-Length line of a request that filters have edited, if they have left no correct one; else empty. An incorrect
 * one is removed: with it the upstream would read part of the body as another request, or the next request as body.
 */
function lengthLine(fields: Fields, framing: Framing): string {
  if (!fields.edited) return '';
  const told = fields.holds(FieldId.contentLength);
  if (told && tellsLength(fields, framing)) return '';
  if (told) fields.remove('content-length');
  return framing > NO_BODY || (told && framing === NO_BODY) ? `Content-Length: ${framing}\r\n` : '';
}

/** Whether prox writes the line of that name: neither the config nor a filter has set it. */
function writes(id: FieldId, fields: Fields, edits: RequestEdits): boolean {
  return edits.replaced[id] === 0 && !fields.wasSet(id);
}

/** Whether `TE: trailers` is sent. TE is for one hop (RFC 9110 §10.1.4); prox forwards `trailers` alone. */
export function offersTrailers(exchange: Exchange, request: RequestHead, edits: RequestEdits): boolean {
  return request.requestFields.holds(FieldId.te) && edits.replaced[FieldId.te] === 0 && exchange.acceptsTrailers;
}

/** The target (RFC 9112 §3.2), or the :path (RFC 9113 §8.3.1). */
export function targetOf(exchange: Exchange, request: RequestHead, peer: Peer): string {
  // RFC 9112 §3.2.3 and §3.2.4: authority-form and asterisk-form stay unchanged.
  if (request.method === 'CONNECT') return request.authority;
  if (exchange.path === '*') return '*';
  return peer.pathPrefix + request.forwardPath + request.query;
}

/** Host, or :authority. */
export function hostOf(exchange: Exchange, request: RequestHead, peer: Peer, edits: RequestEdits): string {
  // A filter has set an authority for the upstream.
  if (request.method === 'CONNECT' || request.authority !== exchange.authority) return request.authority;
  if (edits.host !== null) return edits.host.constant ?? filledHost(edits.host.render(exchange), peer);
  return edits.preserveHost && exchange.authority !== '' ? exchange.authority : peer.authority;
}

/** A pattern without a capture, or a request without Host, can produce an incomplete name: then the upstream's own is used. */
function filledHost(host: string, peer: Peer): string {
  return isAuthority(host) && !host.startsWith('.') && !host.includes('..') ? host : peer.authority;
}

/**
 * X-Forwarded-For, -Host and -Proto, Forwarded and Via. Those of a trusted proxy are passed on, and lists are extended. Those
 * of other clients are replaced, except Forwarded, which is left out, and Via, which is always extended. prox writes no
 * line that the config or a filter has set.
 */
function forwardedLines(exchange: Exchange, fields: Fields, edits: RequestEdits): string {
  const { clientAddress, authority, trusted } = exchange;
  const proto = exchange.secure ? 'https' : 'http';
  let lines = '';
  if (writes(FieldId.xForwardedFor, fields, edits)) {
    const before = trusted ? fields.list(FieldId.xForwardedFor) : null;
    lines = `X-Forwarded-For: ${before === null ? clientAddress : `${before}, ${clientAddress}`}\r\n`;
  }
  if (writes(FieldId.xForwardedHost, fields, edits)) {
    const host = (trusted ? fields.list(FieldId.xForwardedHost) : null) ?? authority;
    if (host !== '') lines += `X-Forwarded-Host: ${host}\r\n`;
  }
  if (writes(FieldId.xForwardedProto, fields, edits)) {
    lines += `X-Forwarded-Proto: ${(trusted ? fields.list(FieldId.xForwardedProto) : null) ?? proto}\r\n`;
  }
  if (trusted && writes(FieldId.forwarded, fields, edits)) {
    const forwarded = fields.list(FieldId.forwarded);
    if (forwarded !== null) lines += `Forwarded: ${forwarded}, for=${forwardedNode(clientAddress)};proto=${proto}\r\n`;
  }
  if (!writes(FieldId.via, fields, edits)) return lines;
  const via = fields.list(FieldId.via);
  const { protocol } = exchange;
  const ours = protocol === 'HTTP/1.1' ? VIA : (VIA_OF_OTHERS[protocol] ?? VIA);
  return `${lines}Via: ${via === null ? ours : `${via}, ${ours}`}\r\n`;
}

/** A node of Forwarded (RFC 7239 §6): IPv6 in brackets and quotes; `unknown` for a unix socket, which has no address. */
function forwardedNode(address: string): string {
  if (address === 'unix') return 'unknown';
  return address.includes(':') ? `"[${address}]"` : address;
}
