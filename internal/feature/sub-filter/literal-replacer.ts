import { allOf, EMPTY, joined, type Replacer } from './replacer.ts';

/** A rule that replaces a literal text. */
export interface Literal {
  /** At least one byte; with `ignoreCase` in lower case. */
  readonly find: Buffer;
  readonly replacement: Buffer;
  /** True replaces every occurrence, false only the first. */
  readonly global: boolean;
  /** True ignores the case of ASCII letters. */
  readonly ignoreCase: boolean;
}

/** Replaces a literal text, from left to right. It holds back only bytes that may be the beginning of the text. */
export class LiteralReplacer implements Replacer {
  private readonly literal: Literal;
  /** The last bytes of the data so far, if the text begins with them. */
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

/** The position of the longest end of the data that the text begins with, from `from` on; the end of the data if there is none. */
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

/** A copy with ASCII letters in lower case. Other bytes stay, as they may be parts of characters. */
export function lowerCase(bytes: Buffer): Buffer {
  const lower = Buffer.allocUnsafe(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    lower[i] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
  }
  return lower;
}
