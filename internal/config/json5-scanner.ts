import JSON5 from 'json5';

/** Thrown by the reader for text that is not JSON5: where, and what was expected, in plain words. */
export class Json5SyntaxError extends Error {
  /** Offset into the text, in UTF-16 code units. */
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = 'Json5SyntaxError';
    this.offset = offset;
  }
}

/** `[sign] literal or number` as JSON5 has it; the groups are the sign and what follows it. */
const NUMBER = /([+-]?)(Infinity|NaN|0[xX][0-9a-fA-F]+|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y;
const WIDE_SPACE = /\p{Zs}/u;
const WIDE_NAME_START = /\p{ID_Start}/u;
const WIDE_NAME_PART = /[\p{ID_Continue}\u200c\u200d]/u;

const NAME_PART = new Uint8Array(128);
for (const c of '$_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ') NAME_PART[c.charCodeAt(0)] = 1;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const ASTERISK = 42;
const SLASH = 47;
const BACKSLASH = 92;

/**
 * Reads the tokens of a JSON5 text. Nearly every token of a config is plain (an escape-free string, a name, a number)
 * and is cut out of the text; the rest, which is anything with a backslash, is decoded by the json5 library.
 */
export class Json5Scanner {
  readonly text: string;
  /** Where the next token is looked for. */
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Skips white space and comments and returns the code of the character that follows, NaN at the end. */
  peek(): number {
    const { text } = this;
    for (;;) {
      const code = text.charCodeAt(this.position);
      if (code === SPACE || (code >= TAB && code <= CR)) this.position++;
      else if (code === SLASH) this.#skipComment();
      else if (code < 128 || Number.isNaN(code) || !isWideSpace(code)) return code;
      else this.position++;
    }
  }

  #skipComment(): void {
    const start = this.position;
    const next = this.text.charCodeAt(start + 1);
    if (next === SLASH) {
      let end = start + 2;
      while (end < this.text.length && !isLineEnd(this.text.charCodeAt(end))) end++;
      this.position = end;
    } else if (next === ASTERISK) {
      const end = this.text.indexOf('*/', start + 2);
      if (end < 0) throw new Json5SyntaxError(start, 'expected `*/` to close the comment that starts here');
      this.position = end + 2;
    } else {
      throw new Json5SyntaxError(start, 'expected `//` or `/*` to begin a comment, found a single `/`');
    }
  }

  /** Reads the string that starts at `position`. */
  string(): string {
    const { text } = this;
    const start = this.position;
    const quote = text.charCodeAt(start);
    let escaped = false;
    for (let at = start + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        this.position = at + 1;
        return escaped ? this.#decode(start, at + 1) : text.slice(start + 1, at);
      }
      if (code === BACKSLASH) {
        escaped = true;
        at++;
        if (text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF) at++;
      } else if (code === LF || code === CR || Number.isNaN(code)) {
        const mark = String.fromCharCode(quote);
        throw new Json5SyntaxError(
          start,
          `expected a closing \`${mark}\` on the same line for the string that starts here`,
        );
      }
    }
  }

  #decode(start: number, end: number): string {
    try {
      return JSON5.parse<string>(this.text.slice(start, end).replace(/\\[^]|[\u2028\u2029]/g, quietSeparator));
    } catch {
      throw new Json5SyntaxError(
        start,
        `expected a string whose \`\\\` escapes are \\n, \\t, \\", \\\\, \\xHH, \\uHHHH or the like`,
      );
    }
  }

  /** Reads the number, signed or not, that starts at `position`; null when there is none. */
  number(): number | null {
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(this.text);
    if (match === null) return null;
    const end = this.position + match[0].length;
    if (isNamePart(this.text, end)) return null;
    this.position = end;
    const magnitude = Number(match[2]);
    return match[1] === '-' ? -magnitude : magnitude;
  }

  /** Reads the name (an unquoted key, `true`, `null`) that starts at `position`; the empty string when there is none. */
  name(): string {
    const { text } = this;
    const start = this.position;
    const first = text.charCodeAt(start);
    if (first >= 48 && first <= 57) return '';
    let end = start;
    let plain = true;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code < 128 && NAME_PART[code] === 1) end++;
      else if (code === BACKSLASH && text.charCodeAt(end + 1) === 117) {
        plain = false;
        end += 6;
      } else if (code >= 128 && isNamePart(text, end)) {
        plain = false;
        end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
      } else break;
    }
    if (end === start) return '';
    const name = plain ? text.slice(start, end) : this.#decodeName(start, Math.min(end, text.length));
    this.position = end;
    return name;
  }

  #decodeName(start: number, end: number): string {
    const raw = this.text.slice(start, end);
    if (!raw.includes('\\') && WIDE_NAME_START.test(String.fromCodePoint(raw.codePointAt(0) as number))) return raw;
    try {
      return Object.keys(JSON5.parse<object>(`{${raw}:0}`))[0];
    } catch {
      throw new Json5SyntaxError(start, 'expected a name of letters, digits, `_` and `$`, or a name in quotes');
    }
  }

  /** What stands at `position`, for messages. */
  found(): string {
    const code = this.text.codePointAt(this.position);
    if (code === undefined) return 'the end of the file';
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) return 'a string';
    const word = /[\p{ID_Continue}$.+-]{1,24}/uy;
    word.lastIndex = this.position;
    const match = word.exec(this.text);
    if (match !== null) return `\`${match[0]}\``;
    return code < 32 || code === 127 ? `the character U+${hex4(code)}` : `\`${String.fromCodePoint(code)}\``;
  }
}

/** The JSON5 library warns on the console about a bare U+2028 or U+2029 in a string; an escaped one is silent. */
function quietSeparator(part: string): string {
  if (part.length === 1) return `\\u${hex4(part.charCodeAt(0))}`;
  return isLineEnd(part.charCodeAt(1)) && part.charCodeAt(1) > 128 ? '' : part;
}

function hex4(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}

function isLineEnd(code: number): boolean {
  return code === LF || code === CR || code === 0x2028 || code === 0x2029;
}

function isWideSpace(code: number): boolean {
  return code === 0xfeff || code === 0x2028 || code === 0x2029 || WIDE_SPACE.test(String.fromCharCode(code));
}

function isNamePart(text: string, at: number): boolean {
  const code = text.codePointAt(at);
  if (code === undefined) return false;
  return code < 128 ? NAME_PART[code] === 1 : WIDE_NAME_PART.test(String.fromCodePoint(code));
}
