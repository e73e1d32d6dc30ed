import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { head, Proxied, response, undated } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';
import type { RawPeer } from '../testing/raw-upstream.ts';
import { eventually } from '../testing/wait.ts';

const UPGRADE = head('GET /x HTTP/1.1', 'Host: a.test', 'Connection: keep-alive, Upgrade', 'Upgrade: echo/1');
const SWITCHING = head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: echo/1', 'X-A: b');
const OURS = ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: a.test', 'X-Forwarded-Proto: http', 'Via: 1.1 prox'];

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({ limits: { stall_timeout: '300ms', write_buffer_size: 4096 } });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

/** A tunnel from a client to a peer at the upstream. */
async function tunnel(): Promise<{ client: RawClient; peer: RawPeer }> {
  proxied.upstream.onConnection(async (peer) => {
    await peer.sees('\r\n\r\n');
    peer.send(SWITCHING);
  });
  const client = await proxied.connect();
  await client.send(UPGRADE).sees('\r\n\r\n');
  return { client, peer: await proxied.upstream.peer() };
}

describe('an upgrade', () => {
  it('goes to the upstream as this hop asks for it, and its 101 comes back', async () => {
    const { client, peer } = await tunnel();
    expect(peer.received).toBe(
      head('GET /x HTTP/1.1', `Host: ${proxied.upstream.authority}`, ...OURS, 'Connection: upgrade', 'Upgrade: echo/1'),
    );
    expect(client.received).toBe(
      head('HTTP/1.1 101 Switching Protocols', 'X-A: b', 'Connection: upgrade', 'Upgrade: echo/1'),
    );
    client.destroy();
  });

  it('passes bytes of either side unread, that look like HTTP too', async () => {
    const { client, peer } = await tunnel();
    const bytes = `${head('GET /smuggled HTTP/1.1', 'Host: b')}\0\xff\n\n0\r\n\r\n`;
    client.send(bytes);
    await peer.until(() => peer.received.endsWith(bytes));
    peer.send(bytes);
    await client.until(() => client.received.endsWith(bytes));
    client.destroy();
  });

  it.each(['in the same write', 'in pieces'])('passes what the client sends right behind it, %s', async (how) => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(`${SWITCHING}first of the server`);
    });
    const client = await proxied.connect();
    if (how === 'in the same write') client.send(`${UPGRADE}first of the client`);
    else for (const byte of `${UPGRADE}first of the client`) client.send(byte);
    await client.sees('first of the server');
    const peer = await proxied.upstream.peer();
    await peer.sees('first of the client');
    expect(peer.received.split('\r\n\r\n').length).toBe(2);
    client.destroy();
  });

  it('that is refused is a request like others, and so is what comes behind it', async () => {
    proxied.upstream.serve(({ head: request }) =>
      request.startsWith('GET /x') ? response('no', 'HTTP/1.1 403 Forbidden') : response('yes'),
    );
    const client = await proxied.connect();
    client.send(UPGRADE + head('GET /next HTTP/1.1', 'Host: a.test'));
    await client.sees('yes');
    expect(undated(client.received)).toBe(response('no', 'HTTP/1.1 403 Forbidden') + response('yes'));
    expect(proxied.upstream.requests.map((request) => request.connection)).toEqual([0, 0]);
    client.destroy();
  });

  it.each([
    [
      'with a body',
      head('POST / HTTP/1.1', 'Host: a.test', 'Connection: Upgrade', 'Upgrade: echo/1', 'Content-Length: 2') + 'hi',
    ],
    [
      'to h2c',
      head(
        'GET / HTTP/1.1',
        'Host: a.test',
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABk',
      ),
    ],
    ['of HTTP/1.0', head('GET / HTTP/1.0', 'Host: a.test', 'Connection: Upgrade', 'Upgrade: echo/1')],
    ['that Connection does not name', head('GET / HTTP/1.1', 'Host: a.test', 'Upgrade: echo/1')],
    ['that names no protocol', head('GET / HTTP/1.1', 'Host: a.test', 'Connection: Upgrade')],
  ])('%s is ignored: the request is a plain one', async (_, sent) => {
    const { request, received } = await proxied.exchange(sent, response('ok'), 'ok');
    expect(request).not.toMatch(/^(upgrade|connection|http2-settings):/im);
    expect(received).toContain(' 200 OK\r\n');
  });

  it.each([
    ['without a request for it', head('GET / HTTP/1.1', 'Host: a.test'), SWITCHING],
    ['to a request with a body', head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 2') + 'hi', SWITCHING],
    ['without Connection: upgrade', UPGRADE, head('HTTP/1.1 101 Switching Protocols', 'Upgrade: echo/1')],
  ])('answered by a 101 %s is a 502', async (_, sent, answer) => {
    const { received } = await proxied.exchange(sent, `${answer}poison`, 'bad_response)\n');
    expect(received).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(received).not.toContain('poison');
    await (await proxied.upstream.peer()).toEnd();
  });
});

describe('the end of a tunnel', () => {
  it('goes from the client to the upstream while bytes still come back', async () => {
    const { client, peer } = await tunnel();
    client.send('last words').end();
    await peer.sees('last words');
    await peer.toEnd();
    peer.send('answer').end();
    await client.sees('answer');
    await client.gone();
    expect(client.reset).toBe(false);
    await peer.gone();
  });

  it('goes from the upstream to the client while bytes still go there', async () => {
    const { client, peer } = await tunnel();
    peer.send('last words').end();
    await client.sees('last words');
    await client.toEnd();
    client.send('answer').end();
    await peer.sees('answer');
    await peer.gone();
    await client.gone();
    expect(client.reset).toBe(false);
  });

  it('waits until a slow upstream has taken what the client sent', async () => {
    const { client, peer } = await tunnel();
    peer.end();
    await client.toEnd();
    peer.socket.pause();
    const bytes = 'x'.repeat(4_000_000);
    client.send(bytes).end();
    // The kernel and prox hold what they can; only then the upstream reads on.
    await delay(100);
    peer.socket.resume();
    await peer.toEnd();
    expect(peer.received.endsWith(`\r\n\r\n${bytes}`)).toBe(true);
    await client.gone();
  });

  it.each(['client', 'upstream'] as const)('is abrupt for the other side when the %s breaks off', async (side) => {
    const { client, peer } = await tunnel();
    const [breaker, other] = side === 'client' ? [client, peer] : [peer, client];
    breaker.socket.resetAndDestroy();
    await other.gone();
    expect(other.reset).toBe(true);
  });

  it.each(['client', 'upstream'] as const)('does not wait for a %s that stays silent', async (side) => {
    const { client, peer } = await tunnel();
    const [silent, other] = side === 'client' ? [client, peer] : [peer, client];
    other.end();
    await silent.toEnd();
    await other.gone();
    expect(other.reset).toBe(true);
    // Node looks at a connection whose other side has ended only when it writes.
    await eventually('the silent side to be cut off', () => silent.send('x').closed);
  });
});

describe('a tunnel', () => {
  it('is paused by a slow reader on either side', async () => {
    const { client, peer } = await tunnel();
    for (const [from, to] of [
      [client, peer],
      [peer, client],
    ] as const) {
      to.socket.pause();
      const block = Buffer.alloc(1_000_000);
      let full = 0;
      // A transfer that continues while its reader accepts bytes would never end.
      while (from.socket.writableLength < 4_000_000) {
        from.socket.write(block);
        full += block.length;
        await delay(1);
        if (full > 200_000_000) throw new Error('the reader never stopped accepting bytes');
      }
      expect(full).toBeLessThan(200_000_000);
      to.socket.resume();
      if (from.socket.writableLength > 0) await once(from.socket, 'drain');
    }
    client.destroy();
  });
});

describe('a 101', () => {
  it.each([
    ['without Upgrade', ['Connection: upgrade']],
    ['without Connection', ['Upgrade: echo/1']],
    ['to a protocol that was not asked for', ['Connection: upgrade', 'Upgrade: other']],
    ['to another one besides', ['Connection: upgrade', 'Upgrade: echo/1, other']],
    ['to nothing', ['Connection: upgrade', 'Upgrade: ,']],
  ])('%s is a 502', async (_, lines) => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 101 Switching Protocols', ...lines));
    });
    const client = await proxied.connect();
    await client.send(UPGRADE).sees('\r\n\r\n');
    expect(client.received).toMatch(/^HTTP\/1.1 502 /);
    client.destroy();
  });

  it('has no length and no coding, and may spell the protocol in another case', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      const framing = ['Content-Length: 3', 'Transfer-Encoding: chunked'];
      peer.send(head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: ECHO/1', ...framing));
    });
    const client = await proxied.connect();
    await client.send(UPGRADE).sees('\r\n\r\n');
    expect(client.received).toBe(head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: ECHO/1'));
    client.destroy();
  });
});
