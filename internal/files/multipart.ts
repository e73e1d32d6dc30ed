import { randomBytes } from 'node:crypto';

import { type ByteRange, contentRange } from './byte-ranges.ts';
import type { BodyPart } from './body-part.ts';

/** A body of the type multipart/byteranges (RFC 9110 §14.6). */
export interface Multipart {
  /** Content-Type of the whole, with the boundary. */
  readonly contentType: string;
  readonly parts: readonly BodyPart[];
  /** Bytes of the whole. */
  readonly length: number;
}

/** 122 bits and more cannot be guessed, so that nobody puts the boundary into a file. */
function randomBoundary(): string {
  return randomBytes(18).toString('hex');
}

/** Lays out several ranges of a representation of `size` bytes; `contentType` is the type of each part. */
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

/** Not of Node's pool: a client that does not take these few bytes would keep 64 KiB. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length);
  bytes.write(text, 'latin1');
  return bytes;
}
