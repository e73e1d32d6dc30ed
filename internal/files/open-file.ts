import { close, constants, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';

import { ProxyError } from '../base/index.ts';
import type { FileState } from './validators.ts';

// The callback API costs half as much as node:fs/promises, and a file takes four calls to open, check and close.
const openAsync = promisify(open);
const fstatAsync = promisify(fstat);
const readAsync = promisify(read);
const closeAsync = promisify(close);

/** Without O_NONBLOCK, opening a FIFO would block a thread of the pool until another process writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * An open file or folder. The owner closes it, but not during a call on it: the number of the descriptor could belong
 * to another file by then.
 */
export class OpenFile {
  readonly descriptor: number;
  /** Only a `file` may be read; the others have no length, or no bytes. */
  readonly kind: 'file' | 'folder' | 'other';
  readonly state: FileState;
  #closed = false;

  constructor(descriptor: number, kind: 'file' | 'folder' | 'other', state: FileState) {
    this.descriptor = descriptor;
    this.kind = kind;
    this.state = state;
  }

  /** Reads up to `length` bytes from a position of the file, and returns how many; 0 beyond its end. */
  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    const { bytesRead } = await readAsync(this.descriptor, buffer, offset, length, position);
    return bytesRead;
  }

  /**
   * Reads the bytes from `start`, inclusive, to `end`, exclusive, to the beginning of a buffer.
   * @throws ProxyError file_error if the file ends before that
   */
  async readFully(buffer: Buffer, start: number, end: number): Promise<void> {
    // A read may return less than requested, above all on network file systems.
    for (let position = start; position < end;) {
      const bytesRead = await this.read(buffer, position - start, end - position, position);
      if (bytesRead === 0)
        throw new ProxyError('file_error', `the file ends at byte ${position}, but ${end} bytes were announced`);
      position += bytesRead;
    }
  }

  /** The current state of the file. */
  look(): Promise<FileState> {
    return fstatAsync(this.descriptor, { bigint: true });
  }

  /** Closes it. A second call has no effect. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await closeAsync(this.descriptor);
  }
}

/**
 * Opens a path, following symbolic links wherever they lead.
 * @throws ProxyError not_found or file_error
 */
export async function openFile(path: string): Promise<OpenFile> {
  let descriptor = -1;
  try {
    descriptor = await openAsync(path, OPEN_FLAGS);
    const state = await fstatAsync(descriptor, { bigint: true });
    const kind = state.isFile() ? 'file' : state.isDirectory() ? 'folder' : 'other';
    return new OpenFile(descriptor, kind, state);
  } catch (error) {
    if (descriptor >= 0) await closeAsync(descriptor);
    throw fileError(error, path);
  }
}

/** Error codes which mean that there is nothing to serve at a path. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO', 'ENODEV', 'EISDIR']);
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/**
 * The ProxyError for an error of the file system: not_found if there is no such file, otherwise file_error. A file that
 * prox may not read is 403 for the client, and an error in the log, because it was probably meant to be served.
 */
export function fileError(thrown: unknown, path: string): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (ABSENT.has(code)) return new ProxyError('not_found', `no file ${path}`, { cause: thrown });
  const message = `${path} could not be read: ${code}`;
  if (FORBIDDEN.has(code)) return new ProxyError('file_error', message, { cause: thrown, status: 403 });
  return new ProxyError('file_error', message, { cause: thrown });
}
