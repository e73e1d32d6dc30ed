import { readFile, stat } from 'node:fs/promises';

/** A file that is small and read again when it has changed, in the background: who asks for its value never waits. */
export class TextFile<T> {
  value: T;
  private readonly path: string;
  private readonly parse: (text: string) => T;
  /** What tells one version of the file from the next; empty for a file that could not be read. */
  private version: string | null = null;
  private reading = false;

  constructor(path: string, parse: (text: string) => T) {
    this.path = path;
    this.parse = parse;
    this.value = parse('');
  }

  /** Looks at the file. Never rejects: a file that cannot be read is an empty one. @returns whether its value is another */
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
      // It went away between two looks: the next look finds that out.
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
