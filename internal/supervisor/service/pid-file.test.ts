import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PidFile } from './pid-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prox-pid-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('is the only file of its folder, whatever ends the process', async () => {
  const file = await PidFile.prepare(join(folder, 'prox.pid'));
  expect(await readdir(folder)).toEqual([]);
  file.publish();
  expect(await readdir(folder)).toEqual(['prox.pid']);
  expect(await readFile(join(folder, 'prox.pid'), 'utf8')).toBe(`${process.pid}\n`);
  file.remove();
  expect(await readdir(folder)).toEqual([]);
});

it('leaves alone what another process has put in the place, until it is reclaimed', async () => {
  const path = join(folder, 'prox.pid');
  const file = await PidFile.prepare(path);
  file.publish();
  await writeFile(path, '1\n');
  file.remove();
  expect(await readFile(path, 'utf8')).toBe('1\n');
  file.reclaim();
  expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
});

it('leaves no draft where a folder is in the place', async () => {
  const file = await PidFile.prepare(folder);
  expect(() => file.publish()).toThrow(/^cannot write the pid file /);
  expect(await readdir(folder)).toEqual([]);
});
