import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessLog } from './access-log.ts';
import { AccessRecord } from './access-record.ts';
import { LogFiles } from './log-files.ts';

let folder = '';
let told: string[] = [];
let files: LogFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prox-logs-'));
  told = [];
  files = new LogFiles((message, fields) => told.push(`${message} ${String(fields['error'])}`), { flushEvery: 10 });
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const openDescriptors = (name: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(folder, name));
    } catch {
      return false; // The descriptor of the folder listing itself is closed by now.
    }
  }).length;

describe('LogFiles', () => {
  it('is one file for a path, until the last user releases it', async () => {
    const path = join(folder, 'a.log');
    const [one, two] = await Promise.all([files.acquire(path), files.acquire(join(folder, 'x', '..', 'a.log'))]);
    expect(two).toBe(one);
    expect(openDescriptors('a.log')).toBe(1);
    await files.release(one);
    two.write('still open\n');
    await files.release(two);
    expect(openDescriptors('a.log')).toBe(0);
    expect(read('a.log')).toBe('still open\n');
    await expect(files.release(two)).rejects.toThrow('released too often');
  });

  it.each([
    ['missing/a.log', 'ENOENT'],
    ['folder', 'EISDIR'],
  ])('rejects %s with the path and the reason, and can try again', async (name, code) => {
    mkdirSync(join(folder, 'folder'));
    const path = join(folder, name);
    for (let i = 0; i < 2; i++) {
      await expect(files.acquire(path)).rejects.toThrow(new RegExp(`cannot open the log file ${path}: ${code}`));
    }
    rmSync(join(folder, 'folder'), { recursive: true });
    mkdirSync(join(path, '..'), { recursive: true });
    await files.acquire(path);
  });

  it('writes access records as one JSON object a line, and reopens every file', async () => {
    const logs = await Promise.all(
      ['a.log', 'b.log'].map(async (name) => new AccessLog(await files.acquire(join(folder, name)))),
    );
    const record = new AccessRecord();
    for (const path of ['/before', '/after']) {
      for (const log of logs) {
        record.reset(Date.now());
        record.path = path;
        log.write(record);
      }
      if (path === '/after') break;
      for (const name of ['a.log', 'b.log']) renameSync(join(folder, name), join(folder, `${name}.1`));
      await files.reopen();
    }
    await files.flush();
    for (const name of ['a.log', 'b.log']) {
      expect(JSON.parse(read(`${name}.1`))).toMatchObject({ path: '/before' });
      expect(JSON.parse(read(name))).toMatchObject({ path: '/after' });
    }
  });
});

describe('LogFiles with rotation', () => {
  const bySize = { frequency: null, size: 1000, keep: null };

  it('begins a new file at the size, losing no line and breaking none', async () => {
    const file = await files.acquire(join(folder, 'a.log'), bySize);
    const lines = Array.from({ length: 200 }, (_, n) => `line number ${n}\n`);
    for (const line of lines) {
      file.write(line);
      if (line.endsWith('0\n')) await file.flush();
    }
    await file.flush();
    await vi.waitFor(() => expect(readdirSync(folder).length).toBeGreaterThan(2));
    await files.close();
    const rotated = readdirSync(folder).filter((name) => name !== 'a.log');
    rotated.sort((a, b) => Number(a.split('.')[1]) - Number(b.split('.')[1]));
    expect(rotated).toEqual(rotated.map((_, i) => `a.${i + 1}.log`));
    expect([...rotated, 'a.log'].map(read).join('')).toBe(lines.join(''));
  });

  it('writes the file of the name itself, and renames it when its day is over', async () => {
    const path = join(folder, 'a.log');
    writeFileSync(path, 'of that day\n');
    utimesSync(path, new Date(2026, 2, 1, 23, 59), new Date(2026, 2, 1, 23, 59));
    const file = await files.acquire(path, { frequency: 'daily', size: null, keep: 3 });
    expect(readdirSync(folder)).toEqual(['a.log']);
    file.write('today\n');
    await file.flush();
    file.write('and still today\n');
    await file.flush();
    expect(readdirSync(folder).sort()).toEqual(['a.2026-03-01.1.log', 'a.log']);
    expect([read('a.2026-03-01.1.log'), read('a.log')]).toEqual(['of that day\n', 'today\nand still today\n']);
  });

  it.each([
    ['counts none of the files of others', ['a7.log', 'a-8.log', 'a.x.9.log', 'b.10.log', 'a.log.11'], 'a.1.log'],
    ['goes on behind its own, compressed ones too', ['a.2.log', 'a.3.log.gz'], 'a.4.log'],
    ['counts those of other dates apart', ['a.2026-03-01.5.log'], 'a.1.log'],
  ])('%s', async (_, present, expected) => {
    for (const name of present) writeFileSync(join(folder, name), 'x');
    writeFileSync(join(folder, 'a.log'), 'x'.repeat(1000));
    const file = await files.acquire(join(folder, 'a.log'), bySize);
    file.write('x\n');
    await file.flush();
    expect(readdirSync(folder).sort()).toEqual([...present, 'a.log', expected].sort());
  });

  it('keeps a file without an ending apart from what it was renamed to', async () => {
    writeFileSync(join(folder, 'access'), 'x'.repeat(1000));
    const file = await files.acquire(join(folder, 'access'), bySize);
    file.write('new\n');
    await file.flush();
    expect(readdirSync(folder)).toEqual(['access', 'access.1']);
  });

  it('follows another process that has rotated the file, as in a restart', async () => {
    const path = join(folder, 'a.log');
    const [one, two] = [await files.acquire(path, bySize), await new LogFiles(() => {}).acquire(path, bySize)];
    two.write('x'.repeat(999) + '\n');
    one.write('y'.repeat(999) + '\n');
    await Promise.all([one.flush(), two.flush()]);
    one.write('after\n');
    await one.flush();
    two.write('after\n');
    await two.flush();
    expect(readdirSync(folder).sort()).toEqual(['a.1.log', 'a.log']);
    expect(read('a.log')).toBe('after\nafter\n');
    await two.close();
  });

  it('begins a new file after the frequency', async () => {
    const file = await files.acquire(join(folder, 'a.log'), { frequency: 50, size: null, keep: null });
    let n = 0;
    await vi.waitFor(async () => {
      file.write(`line ${n++}\n`);
      await file.flush();
      expect(readdirSync(folder).length).toBeGreaterThan(2);
    });
    await files.close();
    const all = readdirSync(folder).flatMap((name) => read(name).split('\n').filter(Boolean));
    expect(all.sort()).toEqual(Array.from({ length: n }, (_, i) => `line ${i}`).sort());
  });

  it('keeps so many old files, and never touches those of others', async () => {
    const foreign = ['a7.log', 'a-1.log', 'a.txt.1.log', 'a.1.log.gz', 'a.x.1.log'];
    for (const name of foreign) writeFileSync(join(folder, name), 'mine');
    const old = new Date(Date.now() - 60_000);
    for (const number of [1, 2, 3, 4]) {
      writeFileSync(join(folder, `a.${number}.log`), 'x'.repeat(2000));
      utimesSync(join(folder, `a.${number}.log`), old, new Date(old.getTime() + number));
    }
    await files.acquire(join(folder, 'a.log'), { ...bySize, size: 10_000, keep: 2 });
    await vi.waitFor(() =>
      expect(readdirSync(folder).sort()).toEqual([...foreign, 'a.3.log', 'a.4.log', 'a.log'].sort()),
    );
  });

  it('reopens the current file when it was renamed', async () => {
    const file = await files.acquire(join(folder, 'a.log'), bySize);
    file.write('before\n');
    await file.flush();
    renameSync(join(folder, 'a.log'), join(folder, 'renamed'));
    await files.reopen();
    file.write('after\n');
    await file.flush();
    expect([read('renamed'), read('a.log')]).toEqual(['before\n', 'after\n']);
  });

  it('closes each descriptor once, when a rotation fails and a later one works', async () => {
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const file = await files.acquire(join(logs, 'a.log'), bySize);
    await file.flush();
    renameSync(logs, join(folder, 'moved'));
    file.write('x'.repeat(1500) + '\n');
    await file.flush();
    file.write('full\n');
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0));
    expect(told[0]).toContain('ENOENT');
    file.write('goes on\n');
    await file.flush();
    expect(read('moved/a.log')).toContain('goes on\n');
    mkdirSync(logs);
    await files.reopen();
    file.write('back\n');
    await vi.waitFor(async () => {
      await file.flush();
      expect(
        readdirSync(logs)
          .map((name) => read(join('logs', name)))
          .join(''),
      ).toContain('back\n');
    });
    // A second close of the old descriptor would be reported as EBADF, or hit a stranger's.
    expect(told.filter((text) => text.includes('EBADF'))).toEqual([]);
    expect(openDescriptors('')).toBe(1);
  });

  it('survives a full disk, and does not rotate a device', async () => {
    const file = await files.acquire('/dev/full', bySize);
    file.write('a\n');
    await file.flush();
    expect(told).toEqual([expect.stringContaining('ENOSPC')]);
    await files.release(file);
  });

  it.each([0, -1, 2 ** 31, NaN])('refuses a frequency of %d ms', async (frequency) => {
    await expect(files.acquire(join(folder, 'a.log'), { frequency, size: null, keep: null })).rejects.toThrow(
      'out of range',
    );
  });

  it('rejects a missing folder with the path', async () => {
    const path = join(folder, 'missing', 'a.log');
    await expect(files.acquire(path, bySize)).rejects.toThrow(`cannot open the log file ${path}: ENOENT`);
  });
});
