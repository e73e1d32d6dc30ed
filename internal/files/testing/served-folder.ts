import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A temporary folder of a test, with a served folder inside. */
export class ServedFolder {
  readonly base: string = realpathSync(mkdtempSync(join(tmpdir(), 'prox-serve-')));
  /** The served folder. */
  readonly root: string = join(this.base, 'www');

  constructor() {
    mkdirSync(this.root);
  }

  /** Writes files by their path below the base folder. */
  write(files: Readonly<Record<string, string | Uint8Array>>): this {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.base, path)), { recursive: true });
      writeFileSync(join(this.base, path), content);
    }
    return this;
  }

  /** Makes a symbolic link at a path below the base folder. */
  link(path: string, target: string): this {
    mkdirSync(dirname(join(this.base, path)), { recursive: true });
    symlinkSync(target, join(this.base, path));
    return this;
  }

  path(path: string): string {
    return join(this.base, path);
  }

  remove(): void {
    rmSync(this.base, { recursive: true });
  }
}
