import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GET, request } from '../testing/frame-client.ts';
import {
  data,
  encode,
  Flag,
  frame,
  headers,
  rstStream,
  Setting,
  settings,
  Type,
  uint,
  windowUpdate,
} from '../testing/http2-frames.ts';
import { Http2Proxied } from '../testing/http2-proxied.ts';
import { response } from '../testing/proxied.ts';

/** RFC 9113 §5.4.1 wants the connection closed; on Node 20 prox has to find out first that it was lost. */
const CLOSED_WITHIN_MS = 4000;

/** In this time prox has looked at a connection. */
const LOOKED_AT_MS = 1500;

const PADDED = 0x8;

const ERRORS: readonly (readonly [what: string, bytes: string])[] = [
  ['DATA on stream 0', data(0, 'x')],
  ['DATA on a stream that was never opened', data(5, 'x')],
  ['DATA on a stream that the client has ended', headers(1, GET, true) + data(1, 'x')],
  ['DATA with more padding than it holds', headers(1, request('POST', '/')) + frame(Type.data, PADDED, 1, '\x09abc')],
  ['DATA between HEADERS and CONTINUATION', frame(Type.headers, 0, 1, encode(GET)) + data(1, 'x')],
  ['HEADERS on an even stream', headers(2, GET, true)],
  ['a field section that does not decode', frame(Type.headers, Flag.endHeaders | Flag.endStream, 1, '\xff\xff\xff')],
  ['SETTINGS of a length that none have', frame(Type.settings, 0, 0, '\0'.repeat(5))],
  ['SETTINGS that acknowledge and tell', frame(Type.settings, Flag.ack, 0, '\0'.repeat(6))],
  ['SETTINGS on a stream', frame(Type.settings, 0, 1)],
  ['SETTINGS of a window beyond 2^31', settings([Setting.windowSize, 2 ** 31])],
  ['a PING of 7 bytes', frame(Type.ping, 0, 0, '\0'.repeat(7))],
  ['a PING on a stream', frame(Type.ping, 0, 1, '\0'.repeat(8))],
  ['a WINDOW_UPDATE of 0', windowUpdate(0, 0)],
  ['a WINDOW_UPDATE beyond 2^31', windowUpdate(0, 2 ** 31 - 1)],
  ['RST_STREAM on a stream that was never opened', rstStream(5, 8)],
  ['RST_STREAM of 3 bytes', frame(Type.rstStream, 0, 1, '\0'.repeat(3))],
  ['PUSH_PROMISE', frame(Type.pushPromise, Flag.endHeaders, 1, uint(2, 4) + encode(GET))],
  ['a frame larger than announced', data(1, '\0'.repeat(20_000))],
  ['CONTINUATION without HEADERS', frame(Type.continuation, 0, 1, '\0')],
];

describe('an error of the connection', () => {
  let proxied: Http2Proxied;
  beforeAll(async () => {
    // No PING finds out what is to be found out here.
    proxied = await Http2Proxied.start({ h2_read_idle_timeout: '10m', h2_ping_timeout: '10m' });
  });
  afterAll(() => proxied.stop());

  it.concurrent.each(ERRORS)('%s closes it', async (_, bytes) => {
    const client = await proxied.frames();
    const begun = performance.now();
    client.write(bytes);
    expect(await client.goneWith()).toBeGreaterThan(0);
    expect(performance.now() - begun).toBeLessThan(CLOSED_WITHIN_MS);
  });

  it('is told of in the log', async () => {
    const client = await proxied.frames();
    const told = proxied.daemon.log.length;
    client.write(data(0, 'x'));
    await client.goneWith();
    const { error } = await proxied.daemon.logged(({ msg }) => msg === 'connection refused', told);
    expect((error as { code: string }).code).toBe('h2_broken');
  });

  it('is not seen in a client that takes nothing for a while and goes on', async () => {
    const client = await proxied.frames({ [Setting.windowSize]: 2 ** 31 - 1 });
    client.window(0, 2 ** 30);
    client.socket.pause();
    for (let stream = 1; stream < 20; stream += 2) client.headers(stream, request('GET', '/big'));
    await new Promise((resolve) => setTimeout(resolve, LOOKED_AT_MS));
    client.socket.resume();
    proxied.upstream.serve(response('ok'));
    expect(await client.outcome(19)).toBe('status 200');
    client.headers(21, GET);
    expect(await client.outcome(21)).toBe('status 200');
  });
});
