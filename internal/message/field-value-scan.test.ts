import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELD_VALUE, HTAB } from './characters.ts';
import { skipFieldValue, wordsOf } from './field-value-scan.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe('scanning a field value by words', () => {
  it.each(Array.from({ length: 256 }, (_, byte) => byte))(
    'tells byte %i as the table does, wherever it stands',
    (byte) => {
      // HTAB stops it too: the caller looks at it with the table.
      const passes = FIELD_VALUE[byte] === 1 && byte !== HTAB;
      for (let place = 0; place < 8; place++) {
        const bytes = Buffer.alloc(16, 'x');
        bytes[place] = byte;
        expect(skipFieldValue(viewOf(bytes), 0, 16)).toBe(passes ? 16 : place - (place % 4));
      }
    },
  );

  it('passes over allowed bytes alone, and stops at the word of the first that is not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(8), fc.nat(8), (bytes, from, short) => {
        const start = Math.min(from, bytes.length);
        const end = Math.max(start, bytes.length - short);
        const stop = skipFieldValue(viewOf(bytes), start, end);
        const first = bytes.findIndex(
          (byte, at) => at >= start && at < end && (FIELD_VALUE[byte] === 0 || byte === HTAB),
        );
        const clean = first < 0 ? end - start : first - start;
        expect(stop).toBe(start + clean - (clean % 4));
      }),
      { numRuns: 10_000 },
    );
  });

  it('takes a view of all of the buffer, and none for few bytes', () => {
    const bytes = Buffer.from(Buffer.alloc(2000, 'x').buffer, 100, 1000);
    expect(wordsOf(bytes, 1000)?.byteOffset).toBe(100);
    expect(wordsOf(bytes, 255)).toBeNull();
  });
});
