import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The file that contains the id of the process to signal. It is written to a draft and renamed in one turn, so that a
 * signal that ends the process leaves no draft behind.
 */
export class PidFile {
  private readonly path: string;
  private readonly draft: string;

  private constructor(path: string) {
    this.path = path;
    // The draft has a name of its own, because two processes that start at the same moment must not publish each
    // other's.
    this.draft = `${path}.${process.pid}`;
  }

  /**
   * Checks that the file can be written, before anything else begins.
   * @throws Error that names the path if its folder cannot be written
   */
  static async prepare(path: string): Promise<PidFile> {
    await access(dirname(path), constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    return new PidFile(path);
  }

  /** Publishes the file, replacing a file of the predecessor or of a process that crashed. @throws Error */
  publish(): void {
    try {
      // A draft that a crash has left is replaced. If it is a link, it is not followed.
      rmSync(this.draft, { force: true });
      writeFileSync(this.draft, `${process.pid}\n`, { flag: 'wx' });
      renameSync(this.draft, this.path);
    } catch (error) {
      rmSync(this.draft, { force: true });
      throw cannotWrite(this.path, error);
    }
  }

  /** Publishes the file again, after a failed successor has replaced it. @throws Error */
  reclaim(): void {
    if (!this.isMine()) this.publish();
  }

  /** Removes the file, unless another process has replaced it. */
  remove(): void {
    if (this.isMine()) rmSync(this.path, { force: true });
  }

  private isMine(): boolean {
    try {
      return readFileSync(this.path, 'latin1') === `${process.pid}\n`;
    } catch {
      return false;
    }
  }
}

function cannotWrite(path: string, error: unknown): Error {
  return new Error(`cannot write the pid file ${path}: ${(error as Error).message}`, { cause: error });
}
