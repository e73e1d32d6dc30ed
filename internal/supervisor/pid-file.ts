import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** The file that tells others which process to signal. */
export class PidFile {
  private readonly path: string;
  private readonly draft: string;
  private published = false;

  private constructor(path: string) {
    this.path = path;
    // Of its own name: two that start at the same moment must not publish each other's.
    this.draft = `${path}.${process.pid}`;
  }

  /**
   * Writes the process id beside the path, where nobody reads it yet.
   * @throws Error that names the path when its folder is not to be written to
   */
  static async prepare(path: string): Promise<PidFile> {
    const file = new PidFile(path);
    await file.write();
    return file;
  }

  /** Puts it in place, over a file that the generation before or a process that crashed has left. @throws Error */
  async publish(): Promise<void> {
    await rename(this.draft, this.path);
    this.published = true;
  }

  /** Puts it in place once more, when a successor that came to nothing has put its own there. @throws Error */
  async reclaim(): Promise<void> {
    const found = await readFile(this.path, 'latin1').catch(() => null);
    if (found === `${process.pid}\n`) return;
    await this.write();
    await this.publish();
  }

  /** Removes what was written, unless another process has put its own in the place. */
  async remove(): Promise<void> {
    if (!this.published) return rm(this.draft, { force: true });
    const found = await readFile(this.path, 'latin1').catch(() => null);
    if (found === `${process.pid}\n`) await rm(this.path, { force: true });
  }

  private async write(): Promise<void> {
    try {
      // One that a crash has left is replaced, never followed, should it be a link.
      await rm(this.draft, { force: true });
      await writeFile(this.draft, `${process.pid}\n`, { flag: 'wx' });
    } catch (error) {
      throw new Error(`cannot write the pid file ${this.path}: ${(error as Error).message}`, { cause: error });
    }
  }
}
