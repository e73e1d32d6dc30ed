import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FrameClient, GET, request } from '../testing/frame-client.ts';
import {
  data,
  encode,
  Flag,
  frame,
  headers,
  ping,
  rstStream,
  Setting,
  settings,
  Type,
  uint,
  windowUpdate,
} from '../testing/http2-frames.ts';
import { assertNoFaults, socketsBackTo, openSockets } from '../testing/health.ts';
import { Proxied, response } from '../testing/proxied.ts';

/** ENHANCE_YOUR_CALM (RFC 9113 §7), or what nghttp2 says where it is first. The GOAWAY is lost where the kernel resets a connection of which it has unread bytes. */
const CALM = [11, 2, -1];

/** What a flood may leave in memory: buffers of the kernel's size, and what the collector has not got to yet. */
const FLAT_BYTES = 60_000_000;

let proxied: Proxied;
let client: FrameClient;
let before: number;
let sockets: number;
/** Lines of the log before the test. */
let told: number;

beforeAll(async () => {
  proxied = await Proxied.start({
    args: ['-log-level=debug'],
    routes: [
      { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'x'.repeat(100_000) } } },
    ],
    limits: { h2_read_idle_timeout: 0.1, h2_ping_timeout: 0.2, stall_timeout: 1 },
    nodeFlags: ['--max-semi-space-size=4'],
  });
  proxied.upstream.serve(() => null);
  sockets = await openSockets(proxied.daemon);
});
afterEach(async () => {
  client.destroy();
  await proxied.reset();
  proxied.upstream.serve(() => null);
  await socketsBackTo(proxied.daemon, sockets);
  assertNoFaults(proxied.daemon);
});
afterAll(() => proxied.stop());

async function begin(wanted: Record<number, number> = {}): Promise<void> {
  client = await FrameClient.connect(proxied.daemon.port(), wanted);
  before = await proxied.daemon.rss();
  told = proxied.daemon.log.length;
}

/** Writes the same bytes again and again until the connection is gone, or it was often enough. */
async function pour(bytes: (round: number) => string, rounds: number): Promise<void> {
  for (let i = 0; i < rounds && !client.closed; i++) {
    if (client.socket.write(bytes(i), 'latin1')) continue;
    await new Promise<void>((resolve) => {
      client.socket.once('drain', resolve);
      client.socket.once('close', () => resolve());
    });
  }
}

async function growth(): Promise<number> {
  return (await proxied.daemon.rss()) - before;
}

/** Waits until the log tells why the connection was ended. */
async function refusedFor(...codes: string[]): Promise<void> {
  await proxied.daemon.logged(
    ({ msg, error }) => msg === 'connection refused' && codes.includes((error as { code: string }).code),
    told,
  );
}

/** Streams of clients, counted from 0. */
const stream = (i: number): number => 2 * i + 1;

describe('a client that floods', () => {
  it.each([8, 0])('with streams that it resets at once with code %i is told to calm down', async (code) => {
    await begin();
    await pour((round) => {
      let frames = '';
      for (let i = round * 50; i < round * 50 + 50; i++) {
        frames += headers(stream(i), GET, true);
        frames += rstStream(stream(i), code);
      }
      return frames;
    }, 1000);
    expect(CALM).toContain(await client.goneWith());
    expect(await growth()).toBeLessThan(FLAT_BYTES);
    // `h2_broken` where nghttp2, which has a limit of its own, is first.
    await refusedFor('h2_flood', 'h2_broken');
  });

  it('with streams that it makes prox reset is ended', async () => {
    await begin();
    await pour((round) => {
      let frames = '';
      for (let i = round * 50; i < round * 50 + 50; i++) {
        frames += headers(stream(i), request('POST', '/'));
        frames += windowUpdate(stream(i), 2 ** 31 - 1);
      }
      return frames;
    }, 1000);
    await client.goneWith();
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with malformed requests is ended', async () => {
    await begin();
    await pour((i) => headers(stream(i), [...GET, ['connection', 'close']], true), 20_000);
    await client.goneWith();
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with CONTINUATION frames is ended', async () => {
    await begin();
    client.send(Type.headers, 0, 1, encode(GET));
    const more = frame(Type.continuation, 0, 1, encode([['x', 'y'.repeat(100)]]));
    await pour(() => more, 100_000);
    expect(CALM).toContain(await client.goneWith());
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it.each([
    ['PING', ping()],
    ['SETTINGS', settings()],
  ])('with %s frames is ended', async (_, one) => {
    await begin();
    const many = one.repeat(100);
    await pour(() => many, 2000);
    expect(CALM).toContain(await client.goneWith());
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with PING frames, and does not read the answers, is ended', async () => {
    await begin();
    client.socket.pause();
    const many = ping().repeat(1000);
    await pour(() => many, 1);
    client.socket.resume();
    await pour(() => many, 1000);
    await client.goneWith();
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with empty DATA frames is ended', async () => {
    await begin();
    client.headers(1, request('POST', '/'), false);
    const many = data(1, '').repeat(100);
    await pour(() => many, 2000);
    await client.goneWith();
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with more streams than it was told it may have is ended', async () => {
    await begin();
    await client.settled();
    for (let i = 0; i < 200; i++) client.headers(stream(i), GET);
    await client.goneWith();
    expect(proxied.upstream.requests.length).toBeLessThanOrEqual(128);
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with streams of a window of 0 leaves memory flat', async () => {
    await begin({ [Setting.windowSize]: 0 });
    for (let i = 0; i < 100; i++) client.headers(stream(i), request('GET', '/static'));
    await client.until(() => client.of(Type.headers).length === 100, '100 heads');
    await client.settled();
    expect(client.of(Type.data)).toEqual([]);
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });

  it('with windows of a byte at a time gets a byte at a time', async () => {
    await begin({ [Setting.windowSize]: 0 });
    client.headers(1, request('GET', '/static'));
    const many = windowUpdate(1, 1).repeat(100);
    await pour(() => many, 100);
    await client.until(() => client.body(1).length === 10_000, '10000 bytes');
    expect(await growth()).toBeLessThan(FLAT_BYTES);
  });
});

describe('a frame that breaks the connection', () => {
  it.each<[string, string]>([
    ['DATA on stream 0', data(0, 'x')],
    ['DATA on a stream that was never opened', data(5, 'x')],
    ['HEADERS on an even stream', frame(Type.headers, Flag.endHeaders | Flag.endStream, 2, encode(GET))],
    ['a field section that does not decode', frame(Type.headers, Flag.endHeaders | Flag.endStream, 1, '\xff\xff\xff')],
    ['SETTINGS of a length that none have', frame(Type.settings, 0, 0, '\0'.repeat(5))],
    ['a PING of 7 bytes', frame(Type.ping, 0, 0, '\0'.repeat(7))],
    ['a WINDOW_UPDATE of 0', windowUpdate(0, 0)],
    ['PUSH_PROMISE', frame(Type.pushPromise, Flag.endHeaders, 1, uint(2, 4) + encode(GET))],
    ['a frame larger than announced', data(1, '\0'.repeat(20_000))],
    ['CONTINUATION without HEADERS', frame(Type.continuation, 0, 1, '\0')],
  ])('%s ends it with an error', async (_, bytes) => {
    await begin();
    client.write(bytes);
    expect(await client.goneWith()).toBeGreaterThan(0);
  });

  it('is told of in the log', async () => {
    await begin();
    // Of most others, Node 20 says nothing.
    client.write(windowUpdate(0, 0));
    expect(await client.goneWith()).toBeGreaterThan(0);
    await refusedFor('h2_broken');
  });

  it('takes the streams that are open with it', async () => {
    await begin();
    client.headers(1, GET);
    const [{ peer }] = await proxied.upstream.received(1);
    client.send(Type.ping, 0, 0, '\0'.repeat(7));
    await client.goneWith();
    await peer.until(() => peer.ended || peer.closed, 'the upstream request to be cut');
  });

  it('ends it though there is an answer that the client has no room for', async () => {
    await begin({ [Setting.windowSize]: 10 });
    proxied.upstream.serve(response('more than ten bytes'));
    client.headers(1, GET);
    await client.until(() => client.body(1).length === 10, 'ten bytes');
    client.send(Type.ping, 0, 0, '\0'.repeat(7));
    await client.goneWith();
  });

  it('is no preface at all', async () => {
    await begin();
    client.destroy();
    const other = await FrameClient.raw(proxied.daemon.port(), 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
    expect([1, 2, -1]).toContain(await other.goneWith());
  });
});
