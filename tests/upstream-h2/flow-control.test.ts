import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

const MIB = 1024 * 1024;
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

/** Waits until a number that only grows has stopped growing, and returns it. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  await eventually('a number to stop growing', () => {
    same = read() === last ? same + 1 : 0;
    last = read();
    return last > 0 && same > 30;
  });
  return last;
}

describe('flow control between HTTP/1.1 clients and an upstream of HTTP/2', () => {
  let upstream: Http2Upstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    upstream = await Http2Upstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    daemon = await TestDaemon.start(webConfig([{ action }]));
  });
  afterEach(() => upstream.reset());
  afterAll(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('pauses the stream of a client that does not read, and no other', { timeout: 20_000 }, async () => {
    let given = 0;
    upstream.handler = (stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] !== '/slow') return void stream.end(Buffer.alloc(4 * MIB));
      const more = (): void => {
        while (given < 200 * MIB) {
          given += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) break;
        }
      };
      stream.on('drain', more);
      more();
    };
    const slow = await RawClient.connect(daemon.port());
    slow.socket.pause();
    slow.send(GET('/slow'));
    await upstream.received(1);
    const before = await settled(() => given);
    // What lies in the kernel's buffers for a loopback connection is the most of it.
    expect(before).toBeLessThan(32 * MIB);
    const rss = await daemon.rss();
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(daemon.url('/quick'));
      expect((await answer.arrayBuffer()).byteLength).toBe(4 * MIB);
    }
    expect(upstream.sessions.length).toBe(1);
    expect((await daemon.rss()) - rss).toBeLessThan(128 * MIB);
    slow.socket.resume();
    await eventually('the stream to go on', () => given > before);
    slow.destroy();
  });

  it('holds little for many clients that do not read', { timeout: 20_000 }, async () => {
    upstream.handler = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(16 * MIB));
    };
    const before = await daemon.rss();
    const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(daemon.port())));
    for (const client of clients) {
      client.socket.pause();
      client.send(GET('/'));
    }
    await upstream.received(40);
    await settled(() => clients.reduce((sum, client) => sum + client.socket.bytesRead, 1));
    // The upstream has 640 MiB for them. Most of the memory is garbage that was not collected yet.
    expect((await daemon.rss()) - before).toBeLessThan(160 * MIB);
    for (const client of clients) client.destroy();
    await eventually('the streams to close', () => upstream.open.size === 0);
  });

  it('pauses a client whose upload the upstream does not read', { timeout: 20_000 }, async () => {
    upstream.handler = (stream) => stream.pause();
    const client = await RawClient.connect(daemon.port());
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${200 * MIB}\r\n\r\n`);
    let given = 0;
    const more = (): void => {
      while (given < 200 * MIB) {
        given += 65_536;
        if (!client.socket.write(Buffer.alloc(65_536))) break;
      }
    };
    client.socket.on('drain', more);
    more();
    await upstream.received(1);
    const before = await settled(() => given);
    expect(before).toBeLessThan(32 * MIB);
    const [stream] = upstream.open;
    stream?.resume();
    await eventually('the client to go on', () => given > before);
    client.destroy();
    await eventually('the stream to close', () => upstream.open.size === 0);
  });
});
