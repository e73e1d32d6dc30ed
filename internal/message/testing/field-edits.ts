/** Changes to fields as filters make them, and a model of their effect, for property tests. */
import fc from 'fast-check';
import type { Fields } from '../fields.ts';

/** Names that writers act on, or that attacks use. */
const NAMES = [
  'Host',
  'Transfer-Encoding',
  'Content-Length',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'HTTP2-Settings',
  'Upgrade',
  'TE',
  'Trailer',
  'Via',
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-User',
  'X-Real-IP',
  'Max-Forwards',
  'Date',
  'Cookie',
  'Set-Cookie',
  'Content-Type',
  'A',
  'B',
  'X-Id',
] as const;

/** Names of one connection (RFC 9110 §7.6.1), in lower case: a message of HTTP/2 holds none of them. */
export const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** One of few names, in one case or another. */
export const editedName = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom('as is', 'lower', 'upper'))
  .map(([name, how]) => (how === 'as is' ? name : how === 'lower' ? name.toLowerCase() : name.toUpperCase()));

const unit = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
  { weight: 1, arbitrary: fc.constantFrom(0x20, 0x09) },
);

/** Valid field values. Some of them have a meaning for a parser. */
export const editedValue = fc.oneof(
  fc.constantFrom(
    'chunked',
    '0',
    '3',
    '5',
    '05',
    '3, 3',
    'close',
    'TE, X-Id',
    'upgrade',
    'trailers',
    'h2c',
    '1.1 a',
    '',
  ),
  fc
    .string({ unit: unit.map((code) => String.fromCharCode(code)), maxLength: 12 })
    .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, '')),
);

/** A line as it was received. */
export const receivedLine = fc.tuple(editedName, editedValue);

export interface FieldEdit {
  readonly op: 'set' | 'append' | 'remove' | 'rename';
  readonly name: string;
  /** The new name of a rename. */
  readonly to: string;
  readonly value: string;
}

export const fieldEdits: fc.Arbitrary<FieldEdit[]> = fc.array(
  fc.record({
    op: fc.constantFrom('set' as const, 'append' as const, 'remove' as const, 'rename' as const),
    name: editedName,
    to: editedName,
    value: editedValue,
  }),
  { maxLength: 8 },
);

/** A line, and whether prox has set it. */
export interface ModelLine {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
  readonly set: boolean;
}

/** The received lines as a model. */
export function modelOf(lines: readonly (readonly [string, string])[]): ModelLine[] {
  return lines.map(([name, value]) => ({ name, lower: name.toLowerCase(), value, set: false }));
}

/** Makes the same changes to fields and to a list of lines. @returns the list */
export function applyEdits(edits: readonly FieldEdit[], fields: Fields, before: readonly ModelLine[]): ModelLine[] {
  let lines = [...before];
  for (const { op, name, to, value } of edits) {
    const lower = name.toLowerCase();
    const line = { name, lower, value, set: true };
    if (op === 'set') {
      fields.set(name, value);
      lines = [...lines.filter((other) => other.lower !== lower), line];
    } else if (op === 'append') {
      fields.append(name, value);
      lines.push(line);
    } else if (op === 'remove') {
      fields.remove(name);
      lines = lines.filter((other) => other.lower !== lower);
    } else {
      fields.rename(name, to);
      const renamed = { name: to, lower: to.toLowerCase(), set: true };
      lines = lines.map((other) => (other.lower === lower ? { ...other, ...renamed } : other));
    }
  }
  return lines;
}

/** Name, value, name, value … as pairs. */
export function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? '']);
}

/**
 * The values of each name in the form of HTTP/2: in one list (RFC 9110 §5.3), cookies joined with semicolons (RFC 9113
 * §8.2.3). White space around commas has no meaning.
 * @param apart a name whose values are not joined, in lower case: Set-Cookie of a response
 */
export function listsByName(pairs: readonly (readonly [string, string])[], apart = ''): Record<string, string[]> {
  const lists: Record<string, string[]> = Object.create(null);
  for (const [name, value] of pairs) (lists[name.toLowerCase()] ??= []).push(value);
  for (const [name, values] of Object.entries(lists)) {
    if (name === apart) continue;
    lists[name] = [values.join(name === 'cookie' ? '; ' : ', ').replace(/[ \t]*([,;])[ \t]*/g, '$1')];
  }
  return lists;
}
