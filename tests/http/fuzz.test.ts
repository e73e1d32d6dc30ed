import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { socketsBackTo, openSockets } from '../testing/health.ts';
import { head, Proxied, response } from '../testing/proxied.ts';
import { exchangeRaw } from '../testing/raw-client.ts';

/** Runs of each property: as many as a few seconds allow. */
const RUNS = 300;

const REQUESTS = [
  head('GET /a/b?c=d HTTP/1.1', 'Host: a.test', 'X-A: b'),
  `${head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 5')}hello`,
  `${head('POST / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked', 'Trailer: A')}5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n`,
  `${head('GET /ws HTTP/1.1', 'Host: a.test', 'Connection: upgrade', 'Upgrade: websocket')}frames`,
  head('OPTIONS * HTTP/1.1', 'Host: a.test', 'Max-Forwards: 3'),
  `${head('PUT http://b.test/x HTTP/1.0', 'Connection: keep-alive', 'Content-Length: 2')}hi`,
  `${head('POST / HTTP/1.1', 'Host: a.test', 'Expect: 100-continue', 'Content-Length: 3')}abc`,
];
const RESPONSES = [
  response('ok'),
  head('HTTP/1.1 103 Early Hints', 'Link: <a>') + response('late'),
  `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nA: b\r\n\r\n`,
  head('HTTP/1.1 204 No Content'),
  `${head('HTTP/1.0 200 OK')}until the end`,
  `${head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket')}frames`,
  head('HTTP/1.1 304 Not Modified', 'Content-Length: 10'),
];

/** What happens to a byte string on its way: nothing, or a few small accidents. */
const accident = fc.record({
  kind: fc.constantFrom('keep', 'flip', 'insert', 'delete', 'repeat', 'cut'),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bytes: fc.oneof(
    fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r\n\r\n',
      '0\r\n\r\n',
      ' ',
      '\t',
      ':',
      '\0',
      'Content-Length: 3\r\n',
      'Transfer-Encoding: chunked\r\n',
      'ffffffff\r\n',
    ),
  ),
});

function damage(text: string, { kind, at, bytes }: { kind: string; at: number; bytes: string }): string {
  const i = Math.floor(at * text.length);
  switch (kind) {
    case 'flip':
      return text.slice(0, i) + bytes.charAt(0) + text.slice(i + 1);
    case 'insert':
      return text.slice(0, i) + bytes + text.slice(i);
    case 'delete':
      return text.slice(0, i) + text.slice(i + bytes.length);
    case 'repeat':
      return text.slice(0, i) + text.slice(Math.max(0, i - 20));
    case 'cut':
      return text.slice(0, i);
    default:
      return text;
  }
}

/** Bytes as they are sent: damaged messages, or pure noise, in pieces. */
function damaged(messages: readonly string[]): fc.Arbitrary<{ pieces: string[]; end: 'end' | 'reset' | 'none' }> {
  const message = fc
    .tuple(fc.constantFrom(...messages), fc.array(accident, { maxLength: 3 }))
    .map(([text, all]) => all.reduce(damage, text));
  const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  return fc
    .record({
      text: fc
        .array(fc.oneof({ arbitrary: message, weight: 9 }, { arbitrary: noise, weight: 1 }), {
          minLength: 1,
          maxLength: 3,
        })
        .map((all) => all.join('')),
      cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
      end: fc.constantFrom('end' as const, 'reset' as const, 'none' as const),
    })
    .map(({ text, cuts, end }) => {
      const places = [0, ...cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b), text.length];
      return { pieces: places.slice(1).map((place, i) => text.slice(places[i], place)), end };
    });
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('whatever is thrown at prox', () => {
  let proxied: Proxied;
  let baseline = 0;
  beforeAll(async () => {
    proxied = await Proxied.start({
      limits: { stall_timeout: '2s', header_timeout: '2s', response_header_timeout: '2s' },
    });
    proxied.upstream.serve(response('well'));
    await exchangeRaw(proxied.daemon.port(), head('GET / HTTP/1.1', 'Host: a', 'Connection: close'));
    await proxied.reset();
    baseline = await openSockets(proxied.daemon);
  });
  afterAll(() => proxied.stop());

  /** The daemon lives, serves, holds nothing, and blames nothing on itself (the last is looked at by `stop`). */
  async function assertWell(): Promise<void> {
    for (const peer of proxied.upstream.peers) peer.destroy();
    proxied.upstream.serve(response('well'));
    const answer = await exchangeRaw(proxied.daemon.port(), head('GET / HTTP/1.1', 'Host: a', 'Connection: close'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nwell$/);
    await socketsBackTo(proxied.daemon, baseline, () => {
      for (const peer of proxied.upstream.peers) peer.destroy();
    });
  }

  it('by clients, it answers or closes, and lives on', async () => {
    proxied.upstream.serve(({ head: request }) =>
      request.startsWith('GET /ws')
        ? head('HTTP/1.1 101 S', 'Connection: upgrade', 'Upgrade: websocket')
        : response('ok'),
    );
    await fc.assert(
      fc.asyncProperty(damaged(REQUESTS), async ({ pieces, end }) => {
        const client = await proxied.connect();
        for (const piece of pieces) {
          if (client.closed) break;
          client.send(piece);
          await tick();
        }
        if (end === 'end') client.end();
        if (end === 'reset') client.socket.resetAndDestroy();
        await tick();
        await tick();
        expect(client.received === '' || client.received.startsWith('HTTP/1.1 ')).toBe(true);
        client.destroy();
      }),
      { numRuns: RUNS },
    );
    await assertWell();
  }, 60_000);

  it('by an upstream, the client gets a whole response, an error or a cut', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(RESPONSES), fc.constantFrom(...REQUESTS), async ({ pieces, end }, request) => {
        proxied.upstream.onConnection(async (peer) => {
          peer.socket.on('error', () => {});
          await peer.until(() => peer.received.includes('\r\n\r\n') || peer.closed || peer.ended);
          for (const piece of pieces) {
            if (peer.closed) return;
            peer.send(piece);
            await tick();
          }
          // Silence would only end by a timeout, and take the time of one.
          if (end === 'reset') peer.socket.resetAndDestroy();
          else peer.end();
        });
        const client = await proxied.connect();
        client.send(request);
        await client.until(() => client.received.length > 0 || client.closed || client.ended);
        expect(client.received === '' || client.received.startsWith('HTTP/1.1 ')).toBe(true);
        client.destroy();
        for (const peer of proxied.upstream.peers) peer.destroy();
      }),
      { numRuns: RUNS },
    );
    await assertWell();
  }, 60_000);
});
