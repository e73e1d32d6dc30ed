import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { eventually } from '../testing/wait.ts';

/** Configs that were written for the Go prox, and what they do there. */

let daemon: TestDaemon;
afterEach(() => daemon.stop());

describe('a root that is not there yet', () => {
  it('is warned of, and served from when it is made', async () => {
    const cache = { max_age: '50ms' };
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'serve', root: './dist', cache } }]));
    const warning = await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('it does not exist'));
    expect(warning.msg).toContain('requests get 404 until it is there');
    expect((await fetch(daemon.url('/a.txt'))).status).toBe(404);
    await mkdir(join(daemon.folder, 'dist'));
    await writeFile(join(daemon.folder, 'dist/a.txt'), 'here');
    await eventually('the file', async () => (await (await fetch(daemon.url('/a.txt'))).text()) === 'here');
  });
});
