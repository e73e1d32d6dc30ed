import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Proxied } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';

let daemon: TestDaemon | null = null;

afterEach(async () => {
  await daemon?.stop();
  daemon = null;
});

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A service that answers everything with so many bytes. */
async function answering(bytes: number, limits: Record<string, unknown> = {}): Promise<TestDaemon> {
  const action = { type: 'static', status: 200, body_ref: { text: 'x'.repeat(bytes) } };
  return TestDaemon.start(webConfig([{ action }], { config: limits }));
}

describe('a client that does not read', () => {
  it('is not answered on and on when it pipelines', async () => {
    daemon = await answering(4000);
    const before = await daemon.rss();
    const client = await RawClient.connect(daemon.port());
    client.socket.pause();
    // 12 MB of requests, more than the kernel holds; their answers would be 1.7 GB.
    for (let i = 0; i < 44; i++) client.send(GET.repeat(10_000));
    let last = -1;
    // Until no more is taken from the client: prox has stopped to read.
    while (client.socket.writableLength !== last) {
      last = client.socket.writableLength;
      await delay(300);
    }
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect((await daemon.rss()) - before).toBeLessThan(60_000_000);
    client.destroy();
  });

  it('gets every pipelined answer once it reads again', async () => {
    daemon = await answering(4000);
    const client = await RawClient.connect(daemon.port());
    client.socket.pause();
    client.send(GET.repeat(2000));
    await delay(200);
    client.socket.resume();
    await client.until(
      () => client.received.length >= 2000 * 4000 && client.received.split('HTTP/1.1 200 OK').length === 2001,
    );
    client.destroy();
  });
});

describe('idle_timeout', () => {
  it('does not run while the last response is still on its way', async () => {
    daemon = await answering(12_000_000, { idle_timeout: '300ms' });
    const client = await RawClient.connect(daemon.port());
    client.send(GET);
    await client.sees('\r\n\r\n');
    // Slow, but never silent for long: a little every 50 ms, for longer than the timeout.
    for (let i = 0; i < 30; i++) {
      client.socket.pause();
      await delay(50);
      client.socket.resume();
      const seen = client.received.length;
      await client.until(() => client.received.length > seen || client.ended);
    }
    await client.until(() => client.received.length > 12_000_000 || client.ended);
    expect(client.received.length).toBeGreaterThan(12_000_000);
    client.destroy();
  });
});

describe('a request whose head comes over a reload', () => {
  it('belongs to the generation in force when it is complete, and is logged', async () => {
    const config = (log: string): unknown =>
      webConfig(
        [{ action: { type: 'static', status: 200, body_ref: { text: log } } }],
        {},
        { logging: { access_log: log } },
      );
    daemon = await TestDaemon.start(config('./one.log'));
    const client = await RawClient.connect(daemon.port());
    client.send('GET /straddle HTTP/1.1\r\nHo');
    expect(await daemon.reload(config('./two.log'))).toBe(true);
    client.send('st: a\r\n\r\n');
    await client.sees('./two.log');
    client.destroy();
    const path = join(daemon.folder, 'two.log');
    for (let line = ''; !line.includes('/straddle'); line = await readFile(path, 'utf8')) await delay(50);
  });
});

describe('an empty line behind a request', () => {
  it('is no request: the connection is idle, and closed without an answer', async () => {
    daemon = await answering(2, { header_timeout: '300ms' });
    const client = await RawClient.connect(daemon.port());
    client.send(`${GET}\r\n`);
    const received = await client.toEnd();
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    client.destroy();
  });
});

describe('a client of a stream that leaves behind a byte too many', () => {
  it('is noticed within stall_timeout, and its upstream let go', async () => {
    const proxied = await Proxied.start({ action: { stream: true }, limits: { stall_timeout: '300ms' } });
    proxied.upstream.serve('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhi');
    const client = await proxied.connect();
    client.send(`${GET}G`);
    await client.sees('hi');
    client.socket.end();
    const peer = await proxied.upstream.peer();
    await peer.until(() => peer.ended || peer.closed, 'prox to let the upstream go');
    client.destroy();
    await proxied.stop();
  });
});
