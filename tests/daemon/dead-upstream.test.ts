import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { failuresIn } from '../testing/failures.ts';
import { freePort } from '../testing/ports.ts';
import { eventually } from '../testing/wait.ts';

const REQUESTS = 50;

let daemon: TestDaemon;
let upstream: string;
afterEach(() => daemon.stop());

async function start(workers: number): Promise<void> {
  upstream = `127.0.0.1:${await freePort()}`;
  const logging = { access_log: 'access.log', error_log: 'error.log' };
  daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream } }], {}, { logging }), { workers });
}

/** Requests all at once. @returns how many full seconds they took */
async function burst(): Promise<number> {
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: REQUESTS }, () => fetch(daemon.url())));
  for (const answer of answers) expect([answer.status, await answer.text()]).toEqual([502, expect.any(String)]);
  return Math.floor((performance.now() - started) / 1000);
}

function failed(): LogLine[] {
  return daemon.log.filter(({ msg }) => msg === 'exchange failed');
}

describe('requests for an upstream that is dead', () => {
  it('are a line at once and a count when the second is over, and a line each in the access log', async () => {
    await start(0);
    const seconds = await burst();
    await eventually('a line or a count for each request', () => failuresIn(failed()) === REQUESTS);
    const [first] = failed();
    const count = failed().find((line) => 'failures' in line);
    // One more for each second that a busy machine takes longer.
    expect(failed().length).toBeLessThanOrEqual(2 + seconds);
    expect(first).toMatchObject({ level: 'warn', upstream, route: 'web:0', error: { code: 'dial_failed' } });
    expect(first?.['request_id']).toMatch(/^[0-9a-f]{20}$/);
    expect(first).not.toHaveProperty('failures');
    const error = { code: 'dial_failed', source: 'upstream', message: `${upstream}: connect ECONNREFUSED ${upstream}` };
    expect(count).toMatchObject({ level: 'warn', upstream, failures: expect.any(Number), error });
    expect(count).not.toHaveProperty('request_id');
    const accessed = await logLines(join(daemon.folder, 'access.log'), REQUESTS);
    expect(accessed.map((line) => line['error'])).toEqual(Array.from({ length: REQUESTS }, () => 'dial_failed'));
    expect(new Set(accessed.map((line) => line['request_id'])).size).toBe(REQUESTS);
  });

  it.each([0, 2])('are all counted when prox ends within the second: %i workers', async (workers) => {
    await start(workers);
    const seconds = await burst();
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    await daemon.silence();
    const lines = await readLog(join(daemon.folder, 'error.log'));
    for (const each of [failed(), lines]) {
      expect(failuresIn(each)).toBe(REQUESTS);
      expect(each.length).toBeLessThanOrEqual((2 + seconds) * Math.max(1, workers));
    }
  });
});
