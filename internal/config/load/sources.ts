import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Document, LineIndex } from '../document.ts';
import { Json5SyntaxError } from '../json5-scanner.ts';
import type { Findings } from './findings.ts';

/** Bytes of a file at most. 10,000 routes take about 3 MB; a much larger file is no config, and reading it would take seconds. */
export const MAX_CONFIG_BYTES = 64 * 1024 * 1024;

/** A value that names a file: where to report that the file cannot be read. Null for the command line. */
export interface Reference {
  readonly document: Document;
  readonly node: number;
}

/** Reads the files of a config, each once, and records every path that was checked. */
export class Sources {
  readonly findings: Findings;
  readonly #looked = new Set<string>();
  readonly #documents = new Map<string, Promise<Document | null>>();

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** Absolute paths of every file and folder that was looked at, in that order. */
  get looked(): string[] {
    return [...this.#looked];
  }

  note(path: string): void {
    this.#looked.add(path);
  }

  /** The kind of a path; null, and a problem, if it cannot be read. */
  async stat(path: string, reference: Reference | null): Promise<Stats | null> {
    this.#looked.add(path);
    try {
      return await stat(path);
    } catch (error) {
      this.#refuse(path, reference, `cannot be read: ${fileProblem(error)}`);
      return null;
    }
  }

  /** The names of the `.json5` files of a folder, sorted, without hidden ones (editors leave such behind). */
  async folder(path: string, reference: Reference | null): Promise<string[]> {
    this.#looked.add(path);
    try {
      const names = (await readdir(path)).filter((name) => name.endsWith('.json5') && !name.startsWith('.')).toSorted();
      const kinds = await Promise.all(names.map((name) => stat(join(path, name)).catch(() => null)));
      return names.filter((_, index) => !kinds[index]?.isDirectory());
    } catch (error) {
      this.#refuse(path, reference, `cannot be read: ${fileProblem(error)}`);
      return [];
    }
  }

  /** Reads and parses a file; null, and a problem, when that fails. */
  document(path: string, reference: Reference | null): Promise<Document | null> {
    let reading = this.#documents.get(path);
    if (reading === undefined) {
      reading = this.#read(path, reference);
      this.#documents.set(path, reading);
    }
    return reading;
  }

  async #read(path: string, reference: Reference | null): Promise<Document | null> {
    this.findings.noteFile(path);
    const stats = await this.stat(path, reference);
    if (stats === null) return null;
    if (!stats.isFile()) {
      this.#refuse(path, reference, `is ${stats.isDirectory() ? 'a folder' : 'not a regular file'}, expected a file`);
      return null;
    }
    if (stats.size > MAX_CONFIG_BYTES) {
      this.#refuse(path, reference, `is larger than ${MAX_CONFIG_BYTES / 1024 / 1024} MiB, too large for a config`);
      return null;
    }
    let bytes: Buffer;
    try {
      bytes = await readFile(path);
    } catch (error) {
      this.#refuse(path, reference, `cannot be read: ${fileProblem(error)}`);
      return null;
    }
    return this.#parse(path, bytes);
  }

  #parse(path: string, bytes: Buffer): Document | null {
    const text = this.#decode(path, bytes);
    if (text === null) return null;
    const lines = new LineIndex(text);
    if (text.trim() === '') {
      this.findings.addToFile(path, 'the file is empty; expected an object in braces');
      return null;
    }
    try {
      const document = new Document(path, text, lines);
      this.findings.addRemarks(document);
      return document;
    } catch (error) {
      if (!(error instanceof Json5SyntaxError)) throw error;
      this.findings.addToFile(path, error.message, lines.position(path, error.offset), error.offset);
      return null;
    }
  }

  /** UTF-8, with or without a byte order mark; the mark is no part of the first line. */
  #decode(path: string, bytes: Buffer): string | null {
    if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
      this.findings.addToFile(path, 'the file is UTF-16; save it as UTF-8');
      return null;
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      const text = new TextDecoder('utf-8').decode(bytes);
      const offset = Math.max(0, text.indexOf('\ufffd'));
      const position = new LineIndex(text).position(path, offset);
      this.findings.addToFile(path, 'the file is not valid UTF-8 here; save it as UTF-8', position, offset);
      return null;
    }
  }

  #refuse(path: string, reference: Reference | null, message: string): void {
    this.findings.incomplete = true;
    if (reference === null) this.findings.addToFile(path, `the file ${message}`);
    else this.findings.add(reference.document, reference.node, `the file ${path} ${message}`);
  }
}

/** The reason of a failed system call in words. */
export function fileProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return FILE_PROBLEMS[code] ?? code;
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many files are open',
};
