import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { assertNoFaults, stopHealthy } from '../testing/health.ts';
import { sClient } from '../testing/s-client.ts';
import { lastRequest, startTls, tlsConfig } from '../testing/tls.ts';

const ROUTES = [{ action: { type: 'static', status: 200, body_ref: { text: 'hello' } } }];
const OTHER_ROUTES = [{ action: { type: 'static', status: 200, body_ref: { text: 'other' } } }];
const pairs = {
  a: makePair({ alternatives: 'DNS:a.test' }),
  b: makePair({ alternatives: 'DNS:b.test', key: 'rsa:2048' }),
};

const folder = mkdtempSync(join(tmpdir(), 'prox-sessions-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Does one handshake that keeps its session, and then others with that session. Counts those that were resumed. */
class Resumer {
  private readonly file: string;
  private readonly args: readonly string[];

  constructor(name: string, version: string) {
    this.file = join(folder, `${name}${version}`);
    this.args = [version, '-servername', name];
  }

  async begin(daemon: TestDaemon): Promise<void> {
    const output = await sClient(daemon.port(), [...this.args, '-sess_out', this.file], lastRequest('a.test'));
    expect(output).toContain('New, TLSv1.');
  }

  async resumed(daemon: TestDaemon, times: number): Promise<number> {
    let count = 0;
    for (let time = 0; time < times; time++) {
      const output = await sClient(daemon.port(), [...this.args, '-sess_in', this.file], lastRequest('a.test'));
      expect(output).toMatch(/hello|other/);
      if (output.includes('Reused, TLSv1.')) count++;
    }
    return count;
  }
}

describe.each(['-tls1_2', '-tls1_3'])('a session of %s', (version) => {
  it.each(['a.test', 'b.test'])('is resumed by all workers, and after a reload: %s', async (name) => {
    const daemon = await startTls({ pairs, routes: ROUTES, args: ['-workers', '2'] });
    const resumer = new Resumer(name, version);
    await resumer.begin(daemon);
    expect(await resumer.resumed(daemon, 6)).toBe(6);
    expect(await daemon.reload(tlsConfig(OTHER_ROUTES))).toBe(true);
    expect(await resumer.resumed(daemon, 4)).toBe(4);
    assertNoFaults(daemon);
    await daemon.stop();
  });

  it('is of no use at another daemon, which has other keys', async () => {
    const [one, other] = await Promise.all([startTls({ pairs, routes: ROUTES }), startTls({ pairs, routes: ROUTES })]);
    const resumer = new Resumer('a.test', version);
    await resumer.begin(one);
    expect(await resumer.resumed(other, 2)).toBe(0);
    await Promise.all([stopHealthy(one), stopHealthy(other)]);
  });
});
