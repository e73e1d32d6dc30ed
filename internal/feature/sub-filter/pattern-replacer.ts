import type { Pattern } from './regex-engine.ts';
import { allOf, EMPTY, joined, type Replacer } from './replacer.ts';
import type { ReplacementPart } from './replacement.ts';

/**
 * Bytes that a pattern without a bound on its length sees at once. Half of it is what a match may span for certain; a longer one
 * may be missed or be cut.
 */
export const WINDOW_BYTES = 65_536;
const HALF_WINDOW = WINDOW_BYTES / 2;

/** Patterns that match no more than this hold back what they may match. Each batch looks at it again: more would cost too much. */
const SHORT_BYTES = 1024;

/** Bytes before the search, for `\b` and `^`. */
const CONTEXT_BYTES = 1;

/** What a rule with a regular expression looks for and puts in its place. */
export interface PatternRule {
  readonly pattern: Pattern;
  readonly replacement: readonly ReplacementPart[];
  /** Every match, not just the first. */
  readonly global: boolean;
  /** See `longestMatch`. */
  readonly longest: number;
}

/**
 * Replaces what a regular expression matches, from left to right. Empty matches are left alone.
 *
 * Whether a match starts at a byte is decided when all bytes that it may span are there. Patterns with short matches hold back
 * so many bytes. The others are given windows of WINDOW_BYTES: a match is taken when it starts in the first half, and the next
 * window begins behind it.
 */
export class PatternReplacer implements Replacer {
  private readonly rule: PatternRule;
  private readonly bounded: boolean;
  /** What is not decided yet, behind `context` bytes that are. */
  private data = EMPTY;
  /** 0 at the beginning of the body alone. */
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
    // The memory that was given belongs to its source.
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
      // One byte more: `\b` and `$` look at it.
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
   * @param last no bytes follow
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
 * The position, or that of the character around it: a search must not begin inside a character (RFC 3629 §3: bytes of the form
 * 10xxxxxx, at most three in one).
 */
function characterStart(bytes: Buffer, from: number, position: number): number {
  if (position <= from) return from;
  for (let at = position; at >= from && at > position - CHARACTER_BYTES; at--) {
    if ((bytes[at] & 0xc0) !== 0x80) return at;
  }
  return position;
}

const CHARACTER_BYTES = 4;
