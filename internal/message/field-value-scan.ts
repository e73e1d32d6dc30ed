/** A head that is shorter is scanned byte by byte: making the view would cost more than it saves. */
const WORTH_A_VIEW = 256;

const EVERY_HIGH_BIT = 0x80808080 | 0;

/** The view that `skipFieldValue` reads words through; null if the view would cost more than it saves. */
export function wordsOf(buffer: Buffer, bytes: number): DataView | null {
  if (bytes < WORTH_A_VIEW) return null;
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/**
 * Skips bytes that may stand in a field value (RFC 9110 §5.5), four at a time, as most bytes in the head of a browser are of
 * this kind. Stops at a word that holds any other byte, or HTAB; the caller checks the rest byte by byte.
 *
 * For each byte of a word, `w - 0x20` sets the high bit if the byte is a control character, and `~w` excludes bytes from 0x80
 * on, which are allowed. `x` turns DEL into 0, so that `x - 0x01` sets the high bit for DEL. A borrow may run into the next
 * byte, but only from a byte that stops the scan anyway. (Mycroft published the method in 1987 for the end of C strings.)
 *
 * @returns a position up to which all bytes are allowed
 */
export function skipFieldValue(words: DataView, start: number, end: number): number {
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    // The result does not depend on the order of bytes in the word.
    const w = words.getInt32(at, true);
    const x = w ^ 0x7f7f7f7f;
    const controls = (w - 0x20202020) & ~w;
    const deletes = (x - 0x01010101) & ~x;
    if (((controls | deletes) & EVERY_HIGH_BIT) !== 0) break;
  }
  return at;
}
