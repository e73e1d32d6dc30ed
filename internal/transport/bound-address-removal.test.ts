import type FileSystem from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { BoundAddress } from './bound-address.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>();
  const refused = Object.assign(new Error('EACCES: permission denied, unlink'), { code: 'EACCES' });
  const unlessFolder: typeof real.rm = (path, how) =>
    how?.recursive === true ? real.rm(path, how) : Promise.reject(refused);
  return { ...real, rm: unlessFolder };
});

it('a unix socket whose file cannot be removed is closed, and says why the file is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prox-bound-'));
  try {
    const path = join(folder, 'web.sock');
    const bound = await BoundAddress.bind({ kind: 'unix', path, text: `unix://${path}` });
    expect(await bound.close()).toMatchObject({ code: 'EACCES' });
    // No process listens on it any more, so the next one takes it.
    const next = await BoundAddress.bind({ kind: 'unix', path, text: `unix://${path}` });
    await next.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
