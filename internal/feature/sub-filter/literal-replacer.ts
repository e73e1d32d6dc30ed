import { allOf, EMPTY, joined, type Replacer } from './replacer.ts';

/** What a literal rule looks for and puts in its place. */
export interface Literal {
  /** At least one byte; with `ignoreCase` in lower case. */
  readonly find: Buffer;
  readonly replacement: Buffer;
  /** Every occurrence, not just the first. */
  readonly global: boolean;
  /** Letters of ASCII match in both cases. */
  readonly ignoreCase: boolean;
}

/** Replaces a literal text, from left to right. Only bytes that may be the beginning of it are held back. */
export class LiteralReplacer implements Replacer {
  private readonly literal: Literal;
  /** The end of what came, as far as it is a beginning of the text. */
  private held = EMPTY;
  private done = false;

  constructor(literal: Literal) {
    this.literal = literal;
  }

  push(bytes: Buffer): Buffer {
    if (this.done) return bytes;
    const { find, replacement, global, ignoreCase } = this.literal;
    const data = joined(this.held, bytes);
    const searched = ignoreCase ? lowerCase(data) : data;
    const parts: Buffer[] = [];
    let at = 0;
    for (let found = searched.indexOf(find); found >= 0; found = searched.indexOf(find, at)) {
      parts.push(data.subarray(at, found), replacement);
      at = found + find.length;
      if (global) continue;
      this.done = true;
      this.held = EMPTY;
      return allOf([...parts, data.subarray(at)]);
    }
    const end = beginningAtEnd(searched, at, find);
    this.held = end === data.length ? EMPTY : Buffer.from(data.subarray(end));
    parts.push(data.subarray(at, end));
    return allOf(parts);
  }

  end(): Buffer {
    const { held } = this;
    this.held = EMPTY;
    return held;
  }
}

/** Where the longest beginning of the text starts that the data ends with, from a position on; the end of the data for none. */
function beginningAtEnd(data: Buffer, from: number, find: Buffer): number {
  const first = find[0];
  let at = data.indexOf(first, Math.max(from, data.length - find.length + 1));
  while (at >= 0) {
    const length = data.length - at;
    if (data.compare(find, 0, length, at, data.length) === 0) return at;
    at = data.indexOf(first, at + 1);
  }
  return data.length;
}

/** A copy with the letters of ASCII in lower case; other bytes are left alone, as they may be parts of characters. */
export function lowerCase(bytes: Buffer): Buffer {
  const lower = Buffer.allocUnsafe(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    lower[i] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  }
  return lower;
}
