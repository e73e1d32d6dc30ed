import type { Pattern } from './regex-engine.ts';
import { allOf, EMPTY, joined, type Replacer } from './replacer.ts';
import type { ReplacementPart } from './replacement.ts';

/**
 * Bytes that a pattern without a bound on its length sees at once. A match of up to half of this is always found whole; a
 * longer one may be missed or cut.
 */
export const WINDOW_BYTES = 65_536;
const HALF_WINDOW = WINDOW_BYTES / 2;

/** A pattern with matches up to this length holds back as many bytes. Each batch searches them again, so more would cost too much. */
const SHORT_BYTES = 1024;

/** Bytes that the search sees before its start, for `\b` and `^`. */
const CONTEXT_BYTES = 1;

/** A rule that replaces the matches of a regular expression. */
export interface PatternRule {
  readonly pattern: Pattern;
  readonly replacement: readonly ReplacementPart[];
  /** True replaces every match, false only the first. */
  readonly global: boolean;
  /** See `longestMatch`. */
  readonly longest: number;
}

/**
 * Replaces the matches of a regular expression, from left to right. Empty matches are not replaced.
 *
 * A match at a byte can be decided once all bytes that it may span are there. A pattern with short matches holds back as many
 * bytes. Other patterns see windows of WINDOW_BYTES: a match counts if it starts in the first half, and the next window
 * begins behind it.
 */
export class PatternReplacer implements Replacer {
  private readonly rule: PatternRule;
  private readonly bounded: boolean;
  /** The undecided bytes, behind `context` decided ones. */
  private data = EMPTY;
  /** 0 only at the beginning of the body. */
  private context = 0;
  private done = false;

  constructor(rule: PatternRule) {
    this.rule = rule;
    this.bounded = rule.longest <= SHORT_BYTES;
  }

  push(bytes: Buffer): Buffer {
    if (this.done) return bytes;
    this.data = joined(this.data, bytes);
    const parts: Buffer[] = [];
    this.decide(parts);
    if (this.done) this.data = EMPTY;
    // The memory belongs to the source, so undecided bytes are copied.
    else if (this.data.buffer === bytes.buffer) this.data = Buffer.from(this.data);
    return allOf(parts);
  }

  end(): Buffer {
    if (this.done) return EMPTY;
    const parts: Buffer[] = [];
    this.search(this.data, this.data.length, true, parts);
    this.data = EMPTY;
    return allOf(parts);
  }

  private decide(parts: Buffer[]): void {
    if (this.bounded) {
      // `\b` and `$` need one byte more.
      const decided = this.data.length - this.rule.longest - 1;
      if (decided > this.context) this.search(this.data, decided, false, parts);
      return;
    }
    while (!this.done && this.data.length >= this.context + WINDOW_BYTES) {
      const end = this.context + WINDOW_BYTES;
      this.search(this.data.subarray(0, end), this.context + HALF_WINDOW, false, parts);
    }
  }

  /**
   * Replaces the matches that start before `decided`, and gives the bytes up to there.
   * @param last true if no bytes follow
   */
  private search(view: Buffer, decided: number, last: boolean, parts: Buffer[]): void {
    const { rule } = this;
    const matcher = rule.pattern.matcher(view);
    let at = this.context;
    for (let found = matcher.find(at); found && !this.done; found = matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (start >= decided && !last) break;
      if (start === end) continue;
      parts.push(view.subarray(at, start));
      for (const part of rule.replacement) {
        if (typeof part !== 'number') parts.push(part);
        else if (matcher.start(part) >= 0) parts.push(view.subarray(matcher.start(part), matcher.end(part)));
      }
      at = end;
      this.done = !rule.global;
    }
    const next = this.done || last ? this.data.length : characterStart(view, at, decided);
    parts.push(this.data.subarray(at, next));
    this.context = Math.min(next, CONTEXT_BYTES);
    this.data = this.data.subarray(next - this.context);
  }
}

/**
 * The start of the character at a position, because a search must not begin inside a character (RFC 3629 §3: bytes of the
 * form 10xxxxxx, at most three in one character).
 */
function characterStart(bytes: Buffer, from: number, position: number): number {
  if (position <= from) return from;
  for (let at = position; at >= from && at > position - CHARACTER_BYTES; at--) {
    if ((bytes[at] & 0xc0) !== 0x80) return at;
  }
  return position;
}

const CHARACTER_BYTES = 4;
