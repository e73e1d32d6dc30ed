import { readFile, stat } from 'node:fs/promises';

/** A small file that is read again in the background when it has changed. Reading its value never waits. */
export class TextFile<T> {
  value: T;
  private readonly path: string;
  private readonly parse: (text: string) => T;
  /** Identifies the version of the file; empty if the file could not be read, null before the first refresh. */
  private version: string | null = null;
  private reading = false;

  constructor(path: string, parse: (text: string) => T) {
    this.path = path;
    this.parse = parse;
    this.value = parse('');
  }

  /**
   * Reads the file if it has changed. Never rejects: a file that cannot be read counts as empty. @returns whether the
   * value changed
   */
  async refresh(): Promise<boolean> {
    if (this.reading) return false;
    this.reading = true;
    try {
      const version = await this.versionNow();
      if (version === this.version) return false;
      this.value = this.parse(version === '' ? '' : await readFile(this.path, 'utf8'));
      this.version = version;
      return true;
    } catch {
      // The file disappeared between stat and read; the next refresh will notice that.
      return false;
    } finally {
      this.reading = false;
    }
  }

  private async versionNow(): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(this.path);
      return `${mtimeMs} ${size} ${ino}`;
    } catch {
      return '';
    }
  }
}
