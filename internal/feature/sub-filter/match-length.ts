/** Bytes of the longest character in UTF-8. One character of a pattern may match so many. */
const CHARACTER_BYTES = 4;

/**
 * An upper bound for the bytes of a match of a pattern in the syntax of RE2; Infinity if there is none, or if this function
 * does not find it. Real matches may all be shorter.
 */
export function longestMatch(pattern: string): number {
  const reader = new LengthReader(pattern);
  const length = reader.alternatives();
  return reader.done ? length : Infinity;
}

/** Reads a pattern that compiles, and adds up the lengths that its parts may match. */
class LengthReader {
  private readonly pattern: string;
  private at = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  get done(): boolean {
    return this.at === this.pattern.length;
  }

  alternatives(): number {
    let longest = 0;
    do longest = Math.max(longest, this.sequence());
    while (this.take('|'));
    return longest;
  }

  private sequence(): number {
    let sum = 0;
    while (!this.done && !this.sees('|') && !this.sees(')')) {
      const length = this.atom();
      const times = this.times();
      sum += length === 0 ? 0 : length * times;
    }
    return sum;
  }

  private atom(): number {
    if (this.take('(')) return this.group();
    if (this.take('[')) this.skipClass();
    else if (this.take('\\')) return this.escape();
    else this.at++;
    return CHARACTER_BYTES;
  }

  private group(): number {
    // (?:…), (?P<name>…), (?<name>…), (?i:…) and (?i), which ends here and matches nothing.
    this.skip(/\?(?:P?<[^>]*>|[a-zA-Z-]*:?)/y);
    const length = this.alternatives();
    return this.take(')') ? length : Infinity;
  }

  private skipClass(): void {
    this.skip(/\^?\]?/y);
    this.skip(/(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]/y);
  }

  private escape(): number {
    // \Q…\E is a text of any length.
    if (this.sees('Q')) return Infinity;
    this.skip(/[pP]\{[^}]*\}|[pP][^]|x\{[^}]*\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[^]/y);
    return CHARACTER_BYTES;
  }

  /** The most repetitions of an atom, from the quantifiers behind it. */
  private times(): number {
    let times = 1;
    for (;;) {
      const quantifier = this.skip(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
      if (quantifier === '') return times;
      const counted = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier);
      if (counted === null) times *= quantifier.startsWith('?') ? 1 : Infinity;
      else if (counted[2] === '') times *= Number(counted[1]);
      else times *= counted[3] === '' ? Infinity : Number(counted[3]);
      if (Number.isNaN(times)) return Infinity;
    }
  }

  private sees(character: string): boolean {
    return this.pattern[this.at] === character;
  }

  private take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.at++;
    return true;
  }

  /** Skips the text that a sticky expression matches here. @returns this text */
  private skip(expression: RegExp): string {
    expression.lastIndex = this.at;
    const text = expression.exec(this.pattern)?.[0] ?? '';
    this.at += text.length;
    return text;
  }
}
