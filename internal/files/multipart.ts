import { randomBytes } from 'node:crypto';

import { type ByteRange, contentRange } from './byte-ranges.ts';
import type { BodyPart } from './body-part.ts';

/** A body of the type multipart/byteranges (RFC 9110 §14.6). */
export interface Multipart {
  /** Content-Type of the whole, with the boundary. */
  readonly contentType: string;
  readonly parts: readonly BodyPart[];
  /** Length of the whole body in bytes. */
  readonly length: number;
}

/** At least 122 random bits, which cannot be guessed, so that no file can contain the boundary on purpose. */
function randomBoundary(): string {
  return randomBytes(18).toString('hex');
}

/** Plans the body for several ranges of a representation of `size` bytes; `contentType` is the type of each part. */
export function layOutMultipart(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string,
  boundary: string = randomBoundary(),
): Multipart {
  const parts: BodyPart[] = [];
  let length = 0;
  for (const range of ranges) {
    const delimiter = parts.length === 0 ? `--${boundary}` : `\r\n--${boundary}`;
    const head = `${delimiter}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`;
    parts.push({ text: bytesOf(head), start: range.start, end: range.end });
    length += head.length + range.end - range.start;
  }
  const close = `\r\n--${boundary}--\r\n`;
  parts.push({ text: bytesOf(close), start: 0, end: 0 });
  return { contentType: `multipart/byteranges; boundary=${boundary}`, parts, length: length + close.length };
}

/** Not from Node's pool: a client that does not accept these few bytes would keep 64 KiB of it. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}
