import { mkdtempSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ContentDigests } from './content-digests.ts';

const folder = mkdtempSync(join(tmpdir(), 'prox-digests-'));
const path = join(folder, 'file');

afterAll(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array): Stats {
  writeFileSync(path, content);
  return statSync(path);
}

/** The same file, had it changed last an hour ago. */
function aged(stats: Stats): Stats {
  return Object.assign(Object.create(stats) as Stats, { ctimeMs: Date.now() - 3_600_000 });
}

async function textOf(digests: ContentDigests, file: string, stats: Stats): Promise<string> {
  return (await digests.digest(file, stats)).text;
}

describe('ContentDigests', () => {
  it('tell when what was read had changed, though the file was looked at before', async () => {
    const before = aged(write('one'));
    const after = write('two');
    expect((await new ContentDigests().digest(path, before)).changedAt).toBe(after.ctimeMs);
  });

  it('are the same for the same bytes and differ for others, across chunks', async () => {
    const digests = new ContentDigests();
    const contents = [
      '',
      'a',
      'b',
      'x'.repeat(65_536),
      'x'.repeat(65_537),
      `${'x'.repeat(200_000)}a`,
      `${'x'.repeat(200_000)}b`,
    ];
    const seen: string[] = [];
    for (const content of contents) seen.push(await textOf(digests, path, write(content)));
    expect(new Set(seen).size).toBe(contents.length);
    for (const [i, content] of contents.entries()) expect(await textOf(digests, path, write(content))).toBe(seen[i]);
  });

  it('read a file that changed a moment ago again, as the clock of the file system may not tell the next change', async () => {
    const digests = new ContentDigests();
    const stats = write('one');
    const first = await textOf(digests, path, stats);
    write('two');
    expect(await textOf(digests, path, stats)).not.toBe(first);
  });

  it('do not read a file again that looks the same', async () => {
    const digests = new ContentDigests();
    const stats = aged(write('one'));
    const first = await textOf(digests, path, stats);
    digests.sweep();
    write('two');
    expect(await textOf(digests, path, stats)).toBe(first);
    // Twice without being asked for, and it is forgotten.
    digests.sweep();
    digests.sweep();
    expect(await textOf(digests, path, stats)).not.toBe(first);
  });

  it('give the reason for a file that cannot be read', async () => {
    const stats = write('one');
    expect(await textOf(new ContentDigests(), join(folder, 'none'), stats)).toBe('ENOENT');
  });

  it('do not read what is too large for a config', async () => {
    const stats = Object.assign(Object.create(write('one')) as Stats, { size: 65 * 1024 * 1024 });
    expect(await textOf(new ContentDigests(), path, stats)).toMatch(/^large /);
  });
});
