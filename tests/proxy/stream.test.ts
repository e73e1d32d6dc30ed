import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { readLog } from '../testing/access-log.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';
import type { RawPeer } from '../testing/raw-upstream.ts';
import { eventually } from '../testing/wait.ts';

/** Longer than the stall_timeout of the service, which must change nothing. */
const LONG_MS = 1000;

const POST = head('POST /echo HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked');
const GET = head('GET /feed HTTP/1.1', 'Host: a.test');
const CHUNKED = head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({
    action: { stream: true, access_log: './access.log' },
    limits: { stall_timeout: '700ms', write_buffer_size: 4096 },
  });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

/** A client in the middle of a response, and the peer that sends it. */
async function streaming(request: string): Promise<{ client: RawClient; peer: RawPeer }> {
  proxied.upstream.onConnection(async (peer) => {
    await peer.sees('\r\n\r\n');
    peer.send(CHUNKED);
  });
  const client = await proxied.connect();
  await client.send(request).sees('\r\n\r\n');
  return { client, peer: await proxied.upstream.peer() };
}

describe('stream: true', () => {
  it('answers each chunk while the request goes on, however long the pauses', async () => {
    const { client, peer } = await streaming(POST);
    for (const word of ['one', 'two', 'three']) {
      client.send(`${word.length.toString(16)}\r\n${word}\r\n`);
      await peer.sees(word);
      if (word === 'two') await delay(LONG_MS);
      peer.send(`${word.length.toString(16)}\r\n${word}\r\n`);
      await client.sees(word);
    }
    client.send('0\r\n\r\n');
    await peer.sees('0\r\n\r\n');
    peer.send('0\r\n\r\n');
    await client.sees('0\r\n\r\n');
    expect(undated(client.received)).toBe(`${CHUNKED}3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n`);
    client.destroy();
  });

  it('takes a connection of its own for each request, and says so', async () => {
    proxied.upstream.serve(response('ok'));
    const client = await proxied.connect();
    client.send(GET + GET);
    await client.until(() => client.received.split('ok').length === 3);
    const { requests } = proxied.upstream;
    expect(requests.map(({ connection }) => connection)).toEqual([0, 1]);
    for (const request of requests) expect(request.head).toMatch(/\r\nConnection: close\r\n\r\n$/);
    await (await proxied.upstream.peer(0)).toEnd();
    await (await proxied.upstream.peer(1)).toEnd();
    client.destroy();
  });

  it('names TE beside close', async () => {
    const sent = head('GET / HTTP/1.1', 'Host: a.test', 'TE: trailers', 'Connection: TE');
    const { request } = await proxied.exchange(sent, response('ok'), 'ok');
    expect(request).toMatch(/\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n$/);
  });

  it('lets a client be slow to take the response', async () => {
    const { client, peer } = await streaming(GET);
    client.socket.pause();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    while (peer.socket.writableLength < 1_000_000) {
      peer.send(chunk);
      await delay(1);
    }
    await delay(LONG_MS);
    peer.send('0\r\n\r\n');
    client.socket.resume();
    await client.until(() => client.received.endsWith('0\r\n\r\n'), 'the end');
    client.destroy();
  });

  it('lets an upstream be slow to take the request', async () => {
    const { client, peer } = await streaming(POST);
    peer.socket.pause();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    while (client.socket.writableLength < 1_000_000) {
      client.send(chunk);
      await delay(1);
    }
    await delay(LONG_MS);
    client.send('0\r\n\r\n');
    peer.socket.resume();
    await peer.until(() => peer.received.endsWith('0\r\n\r\n'), 'the end');
    client.destroy();
  });
});

describe('a client of a silent stream', () => {
  it.each(['GET', 'POST'])('that breaks off is noticed at once: %s', async (method) => {
    const { client, peer } = await streaming(method === 'GET' ? GET : POST);
    client.socket.resetAndDestroy();
    // Nothing else would ever end it.
    await peer.toEnd();
    expect(client.ended).toBe(false);
  });

  it('that ends its side still gets what comes within stall_timeout, again and again', async () => {
    const { client, peer } = await streaming(GET);
    client.end();
    for (let i = 0; i < 6; i++) {
      await delay(150);
      peer.send('2\r\nhi\r\n');
      await client.until(() => client.received.split('hi').length === i + 2);
    }
    peer.send('0\r\n\r\n');
    await client.toEnd();
    expect(client.received.endsWith('0\r\n\r\n')).toBe(true);
    await client.gone();
    expect(client.reset).toBe(false);
  });

  it('that ends its side is given up after stall_timeout without a byte for it', async () => {
    const { client, peer } = await streaming(head('GET /given-up HTTP/1.1', 'Host: a.test'));
    client.end();
    await peer.toEnd();
    await client.gone();
    expect(client.reset).toBe(true);
    const line = await eventually('the line of the exchange', async () =>
      (await readLog(`${proxied.daemon.folder}/access.log`)).find(({ path }) => path === '/given-up'),
    );
    expect(line).toMatchObject({ status: 200, error: 'client_stalled' });
  });
});
