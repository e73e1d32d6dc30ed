import { type DropTable, type Fields, joinedLines } from '../../message/index.ts';
import { LINE_BYTES } from './http2-limits.ts';
import type { Http2Fields } from './http2-port.ts';

/** A field section, and its length as text. */
export interface Http2Head {
  readonly fields: Http2Fields;
  /** Bytes of the fields as `name: value CRLF`, as their length in HPACK is not known. */
  bytes: number;
}

/**
 * Makes a field section. Several lines of a name become one list (RFC 9110 §5.3), but for Set-Cookie.
 * @param drop leaves out at least what RFC 9113 §8.2.2 forbids
 * @param also further names, in lower case, that are left out; null for none
 */
export function http2Head(fields: Fields, drop: DropTable, also: ReadonlySet<string> | null = null): Http2Head {
  const out = Object.create(null) as Http2Fields;
  let bytes = 0;
  const pairs = fields.pairs(drop);
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i];
    const value = pairs[i + 1];
    const lower = name.toLowerCase();
    if (also !== null && also.has(lower)) continue;
    bytes += name.length + value.length + LINE_BYTES;
    const before = out[lower];
    if (before === undefined) out[lower] = value;
    else if (Array.isArray(before)) before.push(value);
    else out[lower] = lower === 'set-cookie' ? [String(before), value] : joinedLines(lower, String(before), value);
  }
  return { fields: out, bytes };
}
