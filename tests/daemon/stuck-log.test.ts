import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { run } from '../testing/run-prox.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A named pipe that takes not one byte more, as its reader does not read. @returns the reader */
async function fullPipe(path: string): Promise<FileHandle> {
  await run('mkfifo', [path]);
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  for (let full = false; !full;) full = await reader.write(Buffer.alloc(4096)).then(() => false, isFull);
  return reader;
}

function isFull(error: NodeJS.ErrnoException): boolean {
  if (error.code !== 'EAGAIN') throw error;
  return true;
}

describe('an access log that takes no more lines', () => {
  it.each([
    // A thread of this process cannot come back, and a process that has such a thread ends by SIGKILL alone.
    { workers: 0, end: 'SIGKILL' },
    { workers: 2, end: 0 },
  ])('keeps prox neither from reloading nor from ending ($workers workers)', async ({ workers, end }) => {
    const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];
    const daemon = await TestDaemon.start(webConfig(routes, {}, { logging: { access_log: 'pipe' } }), {
      workers,
      args: ['-watch=false'],
      async prepare(folder) {
        const reader = await fullPipe(join(folder, 'pipe'));
        closers.push(() => reader.close());
        return join(folder, 'prox.json5');
      },
    });
    closers.push(() => daemon.stop());
    const answers = Array.from({ length: 20 }, () =>
      exchangeRaw(daemon.port(), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    );
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/ok$/);
    // A reload, too, waits no longer than it is worth.
    daemon.signal('SIGHUP');
    await daemon.logged(({ msg }) => msg === 'config reloaded');
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(end);
    expect(daemon.log.find(({ msg }) => msg.startsWith('log lines were lost'))).toMatchObject({ level: 'warn' });
  });
});
