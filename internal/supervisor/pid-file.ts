import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** The file that tells others which process to signal. */
export class PidFile {
  private readonly path: string;
  private readonly draft: string;
  private published = false;

  private constructor(path: string) {
    this.path = path;
    this.draft = `${path}.new`;
  }

  /**
   * Writes the process id beside the path, where nobody reads it yet.
   * @throws Error that names the path when its folder is not to be written to
   */
  static async prepare(path: string): Promise<PidFile> {
    const file = new PidFile(path);
    try {
      await writeFile(file.draft, `${process.pid}\n`);
    } catch (error) {
      throw new Error(`cannot write the pid file ${path}: ${(error as Error).message}`, { cause: error });
    }
    return file;
  }

  /** Puts it in place, over a file that the generation before or a process that crashed has left. @throws Error */
  async publish(): Promise<void> {
    await rename(this.draft, this.path);
    this.published = true;
  }

  /** Removes what was written, unless another process has put its own in the place. */
  async remove(): Promise<void> {
    if (!this.published) return rm(this.draft, { force: true });
    const found = await readFile(this.path, 'latin1').catch(() => null);
    if (found === `${process.pid}\n`) await rm(this.path, { force: true });
  }
}
