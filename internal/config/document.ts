import { dirname } from 'node:path';
import type { Position } from './config.ts';
import { readJson5, type Remark, type Tape } from './json5-reader.ts';

/**
 * One config file: its value, and where each part of it stands. A part is named by its node on the tape (see
 * json5-reader.ts); looking one up costs nothing until it is needed.
 */
export class Document {
  /** Absolute path. */
  readonly file: string;
  /** Folder that the relative paths in the file start from. */
  readonly folder: string;
  readonly value: unknown;
  readonly remarks: readonly Remark[];
  readonly #tape: Tape;
  readonly #lines: LineIndex;
  readonly #children = new Map<number, readonly number[]>();

  /** @throws Json5SyntaxError */
  constructor(file: string, text: string, lines: LineIndex = new LineIndex(text)) {
    const reading = readJson5(text);
    this.file = file;
    this.folder = dirname(file);
    this.value = reading.value;
    this.remarks = reading.remarks;
    this.#tape = reading.tape;
    this.#lines = lines;
  }

  /** Offset of a value's first character. */
  startOf(node: number): number {
    return this.#tape.starts[node];
  }

  /** Offset of a member's key, or of the value when it is no member. */
  keyStartOf(node: number): number {
    const start = this.#tape.nameStarts[node];
    return start < 0 ? this.startOf(node) : start;
  }

  /** The node after the subtree of this one. */
  endOf(node: number): number {
    return this.#tape.nexts[node];
  }

  /** The member of an object (the last one of that name, as its value is the one that counts), or -1. */
  member(object: number, key: string): number {
    const { names, nexts } = this.#tape;
    const end = nexts[object];
    let found = -1;
    for (let child = object + 1; child < end; child = nexts[child]) if (names[child] === key) found = child;
    return found;
  }

  /** The nodes right below an object or an array, in the order of the text. */
  children(node: number): readonly number[] {
    const known = this.#children.get(node);
    if (known !== undefined) return known;
    const { nexts } = this.#tape;
    const end = nexts[node];
    const found: number[] = [];
    for (let child = node + 1; child < end; child = nexts[child]) found.push(child);
    this.#children.set(node, found);
    return found;
  }

  /** The members of an object by their keys. */
  members(object: number): Map<string, number> {
    return new Map(this.children(object).map((child) => [this.#tape.names[child] as string, child]));
  }

  /** Follows a path from a node for as long as it exists. `missing` is true when it ended early. */
  follow(from: number, path: readonly PropertyKey[]): { readonly node: number; readonly missing: boolean } {
    let node = from;
    for (const step of path) {
      const next = typeof step === 'number' ? (this.children(node)[step] ?? -1) : this.member(node, String(step));
      if (next < 0) return { node, missing: true };
      node = next;
    }
    return { node, missing: false };
  }

  /** The path of a node as text: `services.web.routes[3]`. */
  pathOf(node: number): string {
    const { names, nexts } = this.#tape;
    let path = '';
    for (let at = 0; at < node;) {
      let child = at + 1;
      let index = 0;
      while (nexts[child] <= node) {
        child = nexts[child];
        index++;
      }
      path = joinPath(path, names[child] ?? index);
      at = child;
    }
    return path;
  }

  position(offset: number): Position {
    return this.#lines.position(this.file, offset);
  }
}

/** Extends the text of a path by one step. Keys that are no plain names are quoted. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`;
  if (!/^[\p{L}\p{N}_$-]+$/u.test(step)) return `${path}[${JSON.stringify(step)}]`;
  return path === '' ? step : `${path}.${step}`;
}

/** Turns offsets into lines and columns, both from 1; a column counts UTF-16 code units, as most editors do. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  position(file: string, offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return Object.freeze({ file, line: low + 1, column: offset - this.#starts[low] + 1 });
  }
}
