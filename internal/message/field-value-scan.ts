/** A head that is shorter is scanned byte by byte: making the view would cost more than it saves. */
const WORTH_A_VIEW = 256;

const EVERY_HIGH_BIT = 0x80808080 | 0;

/** What `skipFieldValue` reads words through; null where that is not worth it for so many bytes. */
export function wordsOf(buffer: Buffer, bytes: number): DataView | null {
  if (bytes < WORTH_A_VIEW) return null;
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/**
 * Passes over bytes that may stand in a field value (RFC 9110 §5.5), four at a time: most of a head of a browser is such
 * bytes. Stops at a word that holds one of the others, or HTAB; the caller looks at the rest one by one.
 *
 * For each byte of a word, `w - 0x20` borrows from its high bit when the byte is a control character, and `~w` leaves out
 * those from 0x80 on, which are allowed; `x - 0x01` does when the byte is DEL, which `x` has made 0. A borrow may run
 * into the next byte, but only above one that is a find already. (The method is that of Mycroft, 1987, for the end of C
 * strings.)
 *
 * @returns a position up to which all bytes are allowed
 */
export function skipFieldValue(words: DataView, start: number, end: number): number {
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    // The order of bytes does not matter to any of it.
    const w = words.getInt32(at, true);
    const x = w ^ 0x7f7f7f7f;
    const controls = (w - 0x20202020) & ~w;
    const deletes = (x - 0x01010101) & ~x;
    if (((controls | deletes) & EVERY_HIGH_BIT) !== 0) break;
  }
  return at;
}
