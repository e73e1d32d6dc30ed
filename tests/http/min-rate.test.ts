import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { head, Proxied, response } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

/** Bytes a second. */
const MIN_RATE = 200;
/** When a slow body is ended: behind the period in which it gets going and the one that is judged. */
const SOONEST_MS = 10_000;
const LATEST_MS = 13_000;
/** By then a body would have been ended. */
const SPARED_MS = 11_500;
const PIECE_MS = 250;
/** A body that is fast enough: twice MIN_RATE, for longer than a slow one may take. */
const PIECE = 'x'.repeat(100);
const PIECES = SPARED_MS / PIECE_MS;
/** More than the buffers on its way hold. */
const LARGE = 30_000_000;

/** What prox itself does not take from the client. */
const HELD_BACK = [
  { why: 'its upstream does not take', path: '/held', length: LARGE },
  { why: 'a speed limit holds back', path: '/limited', length: 100_000 },
];

const post = (path: string, length: number): string =>
  head(`POST ${path} HTTP/1.1`, 'Host: a.test', `Content-Length: ${length}`);

let proxied: Proxied;
/** Answers nothing, and reads no body at `/held`. */
let mute: RawUpstream;
const clients: { destroy(): void }[] = [];
/** Begin what the tests of this file look at. */
const starts: (() => void)[] = [];

beforeAll(async () => {
  mute = await RawUpstream.start();
  mute.onConnection(async (peer) => {
    if ((await peer.sees('\r\n\r\n')).startsWith('POST /held ')) peer.socket.pause();
  });
  const action = { type: 'proxy', upstream: `http://${mute.authority}` };
  proxied = await Proxied.start({
    limits: { min_rate: MIN_RATE },
    args: ['-log-level=debug'],
    routes: [
      { match: { path: '/held' }, action },
      // Less than MIN_RATE.
      { match: { path: '/limited' }, action, speed: { upload_mbps: 0.001 } },
      { match: { path: '/stream' }, action: { ...action, stream: true } },
    ],
  });
  proxied.upstream.serve(async ({ head: request }) => {
    if (request.startsWith('POST /late ')) await delay(SPARED_MS);
    return response('ok');
  });
  for (const start of starts) start();
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await mute.stop();
  await proxied.stop();
});

/** A test that takes longer than a slow body may. All of them run at once: `concurrent` runs a few at a time. */
function meanwhile(run: () => Promise<void>): () => Promise<void> | undefined {
  let outcome: Promise<void> | undefined;
  starts.push(() => {
    outcome = run();
    outcome.catch(() => {});
  });
  return () => outcome;
}

async function http1(): Promise<RawClient> {
  const client = await proxied.connect();
  clients.push(client);
  return client;
}

async function http2(): Promise<H2Client> {
  const client = await H2Client.connect(proxied.daemon.url());
  clients.push(client);
  return client;
}

/** Calls `send` for one piece after another. */
async function inPieces(pieces: number, send: () => void): Promise<void> {
  for (let sent = 0; sent < pieces; sent++) {
    await delay(PIECE_MS);
    send();
  }
}

/** Runs something and expects it to take as long as a slow body may. */
async function inBound<T>(run: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await run();
  const took = performance.now() - began;
  expect(took).toBeGreaterThanOrEqual(SOONEST_MS);
  expect(took).toBeLessThan(LATEST_MS);
  return result;
}

describe('min_rate, over HTTP/1.1', () => {
  it(
    'ends a body that dribbles in with 408, its connection, and that to the upstream',
    meanwhile(async () => {
      const client = await http1();
      client.send(post('/slow', LARGE));
      const dribble = setInterval(() => client.send('x'), PIECE_MS);
      const received = await inBound(() => client.toEnd());
      clearInterval(dribble);
      expect(received).toMatch(/^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n[^]*\(body_too_slow\)\n$/);
      const peer = proxied.upstream.peers.find((one) => one.received.startsWith('POST /slow '));
      await peer?.until(() => peer.ended || peer.closed, 'the upstream connection to close');
      expect(peer).toBeDefined();
    }),
  );

  it(
    'ends the second body of a connection, too',
    meanwhile(async () => {
      const client = await http1();
      client.send(`${post('/', 3)}abc`);
      await client.sees('ok');
      client.send(post('/', LARGE));
      expect(await inBound(() => client.toEnd())).toMatch(/\(body_too_slow\)\n$/);
    }),
  );

  it(
    'lets a body of its speed pass',
    meanwhile(async () => {
      const client = await http1();
      client.send(post('/', PIECES * PIECE.length));
      await inPieces(PIECES, () => client.send(PIECE));
      expect(await client.sees('ok')).toMatch(/^HTTP\/1\.1 200 /);
    }),
  );

  it(
    'does not bound the wait for a response',
    meanwhile(async () => {
      const client = await http1();
      client.send(`${post('/late', 3)}abc`);
      expect(await client.sees('ok')).toMatch(/^HTTP\/1\.1 200 /);
    }),
  );

  for (const { why, path, length } of HELD_BACK) {
    it(
      `spares a body that ${why}`,
      meanwhile(async () => {
        const client = await http1();
        client.send(post(path, length) + 'x'.repeat(length));
        await delay(SPARED_MS);
        expect(client.received).toBe('');
        expect(client.closed).toBe(false);
      }),
    );
  }

  it(
    'spares `stream: true`',
    meanwhile(async () => {
      const client = await http1();
      client.send(`${post('/stream', 1000)}x`);
      await delay(SPARED_MS);
      expect(client.received).toBe('');
      expect(client.closed).toBe(false);
    }),
  );
});

describe('min_rate, over HTTP/2', () => {
  it(
    'ends a body that dribbles in with 408, and no other stream',
    meanwhile(async () => {
      const client = await http2();
      const stream = client.open({ ':method': 'POST', ':path': '/' });
      const dribble = setInterval(() => stream.write('x'), PIECE_MS);
      const answer = await inBound(() => answerOf(stream));
      clearInterval(dribble);
      expect(answer).toMatchObject({ status: 408, body: expect.stringContaining('(body_too_slow)') });
      expect((await client.get('/')).status).toBe(200);
    }),
  );

  it(
    'lets a body of its speed pass',
    meanwhile(async () => {
      const stream = (await http2()).open({ ':method': 'POST', ':path': '/' });
      await inPieces(PIECES, () => stream.write(PIECE));
      stream.end();
      expect(await answerOf(stream)).toMatchObject({ status: 200, body: 'ok' });
    }),
  );

  for (const { why, path, length } of HELD_BACK) {
    it(
      `spares a body that ${why}`,
      meanwhile(async () => {
        const stream = (await http2()).open({ ':method': 'POST', ':path': path });
        let answered = false;
        stream.on('response', () => (answered = true));
        stream.write('x'.repeat(length));
        await delay(SPARED_MS);
        expect(answered).toBe(false);
        expect(stream.closed).toBe(false);
      }),
    );
  }
});
