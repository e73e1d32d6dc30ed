import type { OutgoingHttpHeaders } from 'node:http2';
import { dropTable, FieldId, type Fields } from '../../message/index.ts';

/** Fields that are for one hop, or not for HTTP/2 at all (RFC 9113 §8.2.2): node:http2 refuses to send them. */
const NOT_SENT = dropTable(
  FieldId.connection,
  FieldId.http2Settings,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.te,
  FieldId.transferEncoding,
  FieldId.upgrade,
);

/** A field section as node:http2 takes it, and what it would take as text. */
export interface Http2Head {
  readonly fields: OutgoingHttpHeaders;
  /** Bytes of names and values, as if each stood as `name: value CRLF`: what HPACK makes of them is not known. */
  bytes: number;
}

/** Bytes of `: ` and CRLF. */
const LINE_BYTES = 4;

/**
 * Makes a field section. Several lines of a name become one list (RFC 9110 §5.3), but for Set-Cookie.
 * @param also further names, in lower case, that are left out; null for none
 */
export function http2Head(fields: Fields, also: ReadonlySet<string> | null): Http2Head {
  const out = Object.create(null) as OutgoingHttpHeaders;
  let bytes = 0;
  const pairs = fields.pairs(NOT_SENT);
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i];
    const value = pairs[i + 1];
    const lower = name.toLowerCase();
    if (also !== null && also.has(lower)) continue;
    bytes += name.length + value.length + LINE_BYTES;
    const before = out[lower];
    if (before === undefined) out[lower] = value;
    else if (Array.isArray(before)) before.push(value);
    else out[lower] = lower === 'set-cookie' ? [String(before), value] : `${String(before)}, ${value}`;
  }
  return { fields: out, bytes };
}
