import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { head } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';

const STATIC = [{ action: { type: 'static', status: 200, body_ref: { text: 'hello' } } }];
const GET = head('GET / HTTP/1.1', 'Host: a');
const GET_CLOSE = head('GET / HTTP/1.1', 'Host: a', 'Connection: close');

let daemon: TestDaemon | null = null;
afterEach(() => daemon?.stop());

describe('max_connections with a worker', () => {
  it('lets 700 connections wait for their turn, however long it takes', async () => {
    const limits = { max_connections: 2, stall_timeout: '100ms', idle_timeout: '1m' };
    daemon = await TestDaemon.start(webConfig(STATIC, { config: limits }), { workers: 1 });
    const port = daemon.port();
    const held = await Promise.all([RawClient.connect(port), RawClient.connect(port)]);
    for (const client of held) await client.send(GET).sees('hello');
    const waiting = await Promise.all(Array.from({ length: 700 }, () => RawClient.connect(port)));
    for (const client of waiting) client.send(GET_CLOSE);
    // Those that are served are answered as ever, for longer than an accepted connection would be let wait.
    const end = Date.now() + 400;
    for (let round = 2; Date.now() < end; round++) {
      for (const client of held) {
        client.send(GET);
        await client.until(() => client.received.split('hello').length > round);
      }
    }
    expect(waiting.filter(({ received, ended, closed }) => received !== '' || ended || closed)).toEqual([]);
    for (const client of held) client.destroy();
    for (const client of waiting) expect(await client.toEnd()).toContain('hello');
    for (const client of waiting) client.destroy();
    expect(await exchangeRaw(port, GET_CLOSE)).toContain('hello');
  });
});
