import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, describe, expect, it } from 'vitest';

import { ServedFolder } from './testing/served-folder.ts';
import { WatchedFiles } from './testing/watched-files.ts';
import { FileTree } from './file-source.ts';

const FILES = 300;
const HEAD_BYTES = 32_768;

const folder = new ServedFolder();

afterAll(() => folder.remove());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** A text as it stands in a request: it is a part of the head, and holds all of it in memory. */
function partOfHead(text: string, index: number): string {
  const head = `${index}`.padEnd(HEAD_BYTES, 'x') + text;
  return head.slice(HEAD_BYTES);
}

describe('what files in memory cost', () => {
  it.each([
    ['alone', ['']],
    ['with their siblings', ['', '.br', '.zst', '.gz']],
  ])('equals what is counted for them, for any client: files %s', async (_, endings) => {
    const names = Array.from({ length: FILES }, (__, index) => `name-${index}-of-${endings.length}.css`);
    for (const name of names) {
      for (const ending of endings) folder.write({ [`www/${name}${ending}`]: name });
    }
    const watched = new WatchedFiles(new FileTree(folder.root, []));
    await watched.get(`/${names[0]}`);
    const before = heapUsed();
    for (const [index, name] of names.entries()) {
      const fields = { 'Accept-Encoding': partOfHead('gzip, deflate, br, zstd', index) };
      await watched.get(partOfHead(`/${name}`, index), { fields });
    }
    watched.opened = [];
    const grown = heapUsed() - before;
    const { cache } = watched.files;
    expect(cache.count).toBe(FILES);
    // A third beside it is for what the test itself leaves behind, and for other versions of Node.
    expect(grown).toBeLessThan((cache.used * 4) / 3);
  });
});
