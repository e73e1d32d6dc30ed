import { Json5Scanner, Json5SyntaxError } from './json5-scanner.ts';

/**
 * Reads JSON5 in one pass into plain values and a tape of positions.
 *
 * Why not the json5 library for the whole text: it takes about 600 ms for a config of 10,000 routes, and knows no
 * positions. A reload may block the event loop for a third of that. A property test holds this reader to the
 * library's verdict and values.
 *
 * The tape lists every value in the order of the text; a value is named by its index, its node. The children of a
 * node follow it, and `next` skips over them:
 *
 *     { a: [1, 2], b: 3 }      node    0   1   2   3   4
 *                              value   {}  []  1   2   3
 *                              name    -   a   -   -   b
 *                              next    5   4   3   4   5
 */
export interface Tape {
  /** Offset of each value's first character. */
  readonly starts: Int32Array;
  /** The node after each value's subtree. */
  readonly nexts: Int32Array;
  /** Offset of each member's key; -1 where there is none. */
  readonly nameStarts: Int32Array;
  /** The key of a member; null for the root and the elements of arrays. */
  readonly names: readonly (string | null)[];
}

/** A well-formed text that nonetheless says something that a config must not say. */
export interface Remark {
  readonly node: number;
  readonly offset: number;
  readonly message: string;
  /** For a repeated key: where it stood before. */
  readonly earlier?: number;
}

export interface Reading {
  readonly value: unknown;
  readonly tape: Tape;
  readonly remarks: readonly Remark[];
}

/** A config is five levels deep, a JSON resource rarely over ten; far below where recursion would end the process. */
export const MAX_DEPTH = 100;

/** @throws Json5SyntaxError when the text is not JSON5, or is nested deeper than MAX_DEPTH. */
export function readJson5(text: string): Reading {
  return new Reader(text).read();
}

const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COMMA = 44;
const COLON = 58;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;

class Reader {
  readonly #scanner: Json5Scanner;
  #starts: Int32Array;
  #nexts: Int32Array;
  #nameStarts: Int32Array;
  readonly #names: (string | null)[] = [];
  readonly #remarks: Remark[] = [];
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new Json5Scanner(text);
    // A value of a config takes some 16 characters with its key; the arrays grow where it takes less.
    const capacity = 16 + (text.length >> 4);
    this.#starts = new Int32Array(capacity);
    this.#nexts = new Int32Array(capacity);
    this.#nameStarts = new Int32Array(capacity);
  }

  read(): Reading {
    const scanner = this.#scanner;
    if (Number.isNaN(scanner.peek())) this.#expected('an object in braces');
    const value = this.#value(null, -1, -1);
    if (!Number.isNaN(scanner.peek())) this.#expected(`nothing after the end of the value`);
    const tape = { starts: this.#starts, nexts: this.#nexts, nameStarts: this.#nameStarts, names: this.#names };
    return { value, tape, remarks: this.#remarks };
  }

  #push(name: string | null, nameStart: number): number {
    const node = this.#names.push(name) - 1;
    if (node === this.#starts.length) {
      this.#starts = doubled(this.#starts);
      this.#nexts = doubled(this.#nexts);
      this.#nameStarts = doubled(this.#nameStarts);
    }
    this.#starts[node] = this.#scanner.position;
    this.#nexts[node] = node + 1;
    this.#nameStarts[node] = nameStart;
    return node;
  }

  /** @param array the array that the value is an element of, -1 for none; for messages. */
  #value(name: string | null, nameStart: number, array: number): unknown {
    const code = this.#scanner.peek();
    const node = this.#push(name, nameStart);
    if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) return this.#scanner.string();
    if (code !== OPEN_BRACE && code !== OPEN_BRACKET) return this.#scalar(node, array);
    if (++this.#depth > MAX_DEPTH) this.#expected(`at most ${MAX_DEPTH} levels of nesting`);
    this.#scanner.position++;
    const value = code === OPEN_BRACE ? this.#object(node) : this.#array(node);
    this.#depth--;
    this.#nexts[node] = this.#names.length;
    return value;
  }

  #scalar(node: number, array: number): unknown {
    const scanner = this.#scanner;
    const start = scanner.position;
    const number = scanner.number();
    if (number !== null) {
      if (!Number.isFinite(number)) {
        const text = scanner.text.slice(start, scanner.position);
        this.#remarks.push({ node, offset: start, message: `expected a finite number, found ${text}` });
      }
      return number;
    }
    const name = scanner.name();
    if (name === 'true') return true;
    if (name === 'false') return false;
    if (name === 'null') return null;
    scanner.position = start;
    if (name !== '') this.#expected('a value (text goes in quotes)');
    this.#expected(array < 0 ? 'a value' : `a value or \`]\`${this.#opener(array)}`);
  }

  #object(node: number): Record<string, unknown> {
    const scanner = this.#scanner;
    const value: Record<string, unknown> = {};
    for (;;) {
      let code = scanner.peek();
      if (code === CLOSE_BRACE) break;
      const keyStart = scanner.position;
      const quoted = code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
      const key = quoted ? scanner.string() : scanner.name();
      if (!quoted && key === '') this.#expected(`a key or \`}\`${this.#opener(node)}`);
      if (scanner.peek() !== COLON) this.#expected(`\`:\` after the key \`${key}\``);
      scanner.position++;
      this.#member(node, value, key, keyStart);
      code = scanner.peek();
      if (code === CLOSE_BRACE) break;
      if (code !== COMMA) this.#expected(`\`,\` or \`}\` after the value of \`${key}\`${this.#opener(node)}`);
      scanner.position++;
    }
    scanner.position++;
    return value;
  }

  #member(node: number, value: Record<string, unknown>, key: string, keyStart: number): void {
    const child = this.#names.length;
    if (key === '__proto__') {
      this.#remarks.push({ node: child, offset: keyStart, message: 'the key `__proto__` is not allowed' });
      this.#value(key, keyStart, -1);
      return;
    }
    if (Object.hasOwn(value, key)) {
      const earlier = this.#nameStart(node, key);
      this.#remarks.push({ node: child, offset: keyStart, message: `the key \`${key}\` is repeated`, earlier });
    }
    value[key] = this.#value(key, keyStart, -1);
  }

  #nameStart(object: number, key: string): number {
    let child = object + 1;
    while (this.#names[child] !== key) child = this.#nexts[child];
    return this.#nameStarts[child];
  }

  #array(node: number): unknown[] {
    const scanner = this.#scanner;
    const value: unknown[] = [];
    for (;;) {
      if (scanner.peek() === CLOSE_BRACKET) break;
      value.push(this.#value(null, -1, node));
      const code = scanner.peek();
      if (code === CLOSE_BRACKET) break;
      if (code !== COMMA) this.#expected(`\`,\` or \`]\` after the element${this.#opener(node)}`);
      scanner.position++;
    }
    scanner.position++;
    return value;
  }

  /** At the end of the file, the useful thing to know is which bracket was never closed. */
  #opener(node: number): string {
    if (this.#scanner.position < this.#scanner.text.length) return '';
    const start = this.#starts[node];
    const line = this.#scanner.text.slice(0, start).split('\n').length;
    return ` to close the \`${this.#scanner.text[start]}\` of line ${line}`;
  }

  #expected(what: string): never {
    throw new Json5SyntaxError(this.#scanner.position, `expected ${what}, found ${this.#scanner.found()}`);
  }
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
