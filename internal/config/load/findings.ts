import type { Problem } from '../config.ts';
import { formatPosition } from '../problem.ts';
import { type Document, joinPath } from '../document.ts';

/** Collects what is wrong, over all files, and which values therefore cannot be built. */
export class Findings {
  readonly #problems = new Map<string, { readonly problem: Problem; readonly file: number; readonly offset: number }>();
  readonly #warnings: Problem[] = [];
  readonly #files = new Map<string, number>();
  readonly #unknownKeys = new Map<Document, Set<number>>();
  readonly #broken = new Map<Document, { readonly nodes: number[]; sorted: boolean }>();
  /** True when a file could not be read: names that it may define are not reported as unknown then. */
  incomplete = false;

  /** Problems are listed in the order in which their files were noted. */
  noteFile(file: string): void {
    if (!this.#files.has(file)) this.#files.set(file, this.#files.size);
  }

  /** A file that cannot be read or is not JSON5. */
  addToFile(file: string, message: string, position = { file, line: 1, column: 1 }, offset = 0): void {
    this.incomplete = true;
    this.#add({ position, path: '', message }, offset);
  }

  /** At a value, or at the deepest part of the path below it that exists. */
  add(document: Document, node: number, message: string, path: readonly PropertyKey[] = [], atKey = false): void {
    const { node: found, missing } = document.follow(node, path);
    const offset = atKey && !missing ? document.keyStartOf(found) : document.startOf(found);
    const text = path.reduce<string>(
      (joined, step) => joinPath(joined, typeof step === 'number' ? step : String(step)),
      document.pathOf(node),
    );
    this.#add({ position: document.position(offset), path: text, message }, offset);
  }

  /** Something at a value that will go wrong, but does not yet: the config can be used. */
  warn(document: Document, node: number, message: string, path: readonly PropertyKey[]): void {
    const { node: found } = document.follow(node, path);
    this.#warnings.push({
      position: document.position(document.startOf(found)),
      path: document.pathOf(found),
      message,
    });
  }

  /** In the order of finding. */
  get warnings(): readonly Problem[] {
    return this.#warnings;
  }

  /** Takes up what the reader remarked: repeated keys, `__proto__`, NaN. */
  addRemarks(document: Document): void {
    for (const { node, offset, message, earlier } of document.remarks) {
      const before = earlier === undefined ? '' : `; it is first at ${formatPosition(document.position(earlier))}`;
      this.#add(
        { position: document.position(offset), path: document.pathOf(node), message: message + before },
        offset,
      );
    }
  }

  #add(problem: Problem, offset: number): void {
    const { position, message } = problem;
    this.noteFile(position.file);
    const key = `${position.file}\0${offset}\0${message}`;
    const file = this.#files.get(position.file) as number;
    // A file may be included by several services: what is wrong in it is wrong once.
    if (!this.#problems.has(key)) this.#problems.set(key, { problem, file, offset });
  }

  /** Marks an object that has a key which it must not have. */
  noteUnknownKey(document: Document, node: number): void {
    const nodes = this.#unknownKeys.get(document);
    if (nodes === undefined) this.#unknownKeys.set(document, new Set([node]));
    else nodes.add(node);
  }

  hasUnknownKey(document: Document, node: number): boolean {
    return this.#unknownKeys.get(document)?.has(node) === true;
  }

  /** Marks a value that does not have the shape that its schema asks for. */
  breakNode(document: Document, node: number): void {
    const marks = this.#broken.get(document);
    if (marks === undefined) this.#broken.set(document, { nodes: [node], sorted: true });
    else {
      marks.nodes.push(node);
      marks.sorted = false;
    }
  }

  /** True when the value, or anything in it, is marked. */
  isBroken(document: Document, node: number): boolean {
    const marks = this.#broken.get(document);
    if (marks === undefined) return false;
    const { nodes } = marks;
    if (!marks.sorted) nodes.sort((a, b) => a - b);
    marks.sorted = true;
    let low = 0;
    let high = nodes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodes[middle] < node) low = middle + 1;
      else high = middle;
    }
    return low < nodes.length && nodes[low] < document.endOf(node);
  }

  get count(): number {
    return this.#problems.size;
  }

  /** In the order of the files and of their text. */
  list(): Problem[] {
    const entries = [...this.#problems.values()];
    entries.sort((a, b) => a.file - b.file || a.offset - b.offset);
    return entries.map((entry) => entry.problem);
  }
}
