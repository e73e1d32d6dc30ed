import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The file that tells others which process to signal. It is written and moved into place in one go, so that a signal
 * which ends the process leaves no draft behind.
 */
export class PidFile {
  private readonly path: string;
  private readonly draft: string;

  private constructor(path: string) {
    this.path = path;
    // Of its own name: two that start at the same moment must not publish each other's.
    this.draft = `${path}.${process.pid}`;
  }

  /**
   * Looks whether it can be written, before anything else is begun.
   * @throws Error that names the path when its folder is not to be written to
   */
  static async prepare(path: string): Promise<PidFile> {
    await access(dirname(path), constants.W_OK | constants.X_OK).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    return new PidFile(path);
  }

  /** Puts it in place, over a file that the generation before or a process that crashed has left. @throws Error */
  publish(): void {
    try {
      // One that a crash has left is replaced, never followed, should it be a link.
      rmSync(this.draft, { force: true });
      writeFileSync(this.draft, `${process.pid}\n`, { flag: 'wx' });
      renameSync(this.draft, this.path);
    } catch (error) {
      rmSync(this.draft, { force: true });
      throw cannotWrite(this.path, error);
    }
  }

  /** Puts it in place once more, when a successor that came to nothing has put its own there. @throws Error */
  reclaim(): void {
    if (!this.isMine()) this.publish();
  }

  /** Removes what was written, unless another process has put its own in the place. */
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
