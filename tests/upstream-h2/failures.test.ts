import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import {
  data,
  Flag,
  framesOf,
  goaway,
  headers,
  PREFACE,
  requestsIn,
  resetsIn,
  rstStream,
  settings,
  settingsAck,
  Type,
} from '../testing/http2-frames.ts';
import { RawClient } from '../testing/raw-client.ts';
import { type RawPeer, RawUpstream } from '../testing/raw-upstream.ts';
import { eventually } from '../testing/wait.ts';

const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;
const INTERNAL_ERROR = 2;
const REFUSED_STREAM = 7;
const CANCEL = 8;

const OK = headers(1, [[':status', '200']]);
const LONG = headers(1, [
  [':status', '200'],
  ['content-length', '10'],
]);

/** Speaks HTTP/2 up to the first request, and answers it with these bytes. */
async function answer(peer: RawPeer, bytes: string): Promise<void> {
  await peer.sees(PREFACE);
  peer.send(settings() + settingsAck());
  await peer.until(() => requestsIn(peer.received) >= 1, 'a request');
  peer.send(bytes);
}

describe('an upstream of HTTP/2 that', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    const config = { response_header_timeout: '400ms', stall_timeout: '400ms', dial_timeout: '400ms' };
    daemon = await TestDaemon.start(webConfig([{ action }], { config }));
  });
  afterEach(() => upstream.reset());
  afterAll(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  const request = async (text = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'): Promise<string> => {
    const client = await RawClient.connect(daemon.port());
    client.send(text);
    await client.until(
      () => client.ended || client.closed || /\r\n\r\n[^]*(ok|\))\n?$/.test(client.received),
      'an answer',
    );
    client.destroy();
    return client.received;
  };

  const BEFORE_THE_HEAD: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
    ['resets the stream with INTERNAL_ERROR', rstStream(1, INTERNAL_ERROR), 502, 'upstream_reset'],
    ['resets the stream with CANCEL', rstStream(1, CANCEL), 502, 'upstream_closed'],
    ['resets the stream with NO_ERROR', rstStream(1, NO_ERROR), 502, 'upstream_closed'],
    ['resets the stream with PROTOCOL_ERROR', rstStream(1, PROTOCOL_ERROR), 502, 'bad_response'],
    ['goes away with an error', goaway(1, INTERNAL_ERROR), 502, 'upstream_reset'],
    ['answers without a status', headers(1, [['a', 'b']]), 502, 'bad_response'],
    ['answers with a status that is none', headers(1, [[':status', '20x']]), 502, 'bad_response'],
    ['switches protocols', headers(1, [[':status', '101']]), 502, 'bad_response'],
    [
      'sends Connection',
      headers(
        1,
        [
          [':status', '200'],
          ['connection', 'close'],
        ],
        true,
      ),
      502,
      'bad_response',
    ],
    [
      'sends Keep-Alive',
      headers(
        1,
        [
          [':status', '200'],
          ['keep-alive', '5'],
        ],
        true,
      ),
      502,
      'bad_response',
    ],
    [
      'sends Transfer-Encoding',
      headers(1, [
        [':status', '200'],
        ['transfer-encoding', 'chunked'],
      ]),
      502,
      'bad_response',
    ],
    [
      'sends a name in upper case',
      headers(1, [
        [':status', '200'],
        ['Upper', 'x'],
      ]),
      502,
      'bad_response',
    ],
    [
      'ends without the body that it promised',
      headers(
        1,
        [
          [':status', '200'],
          ['content-length', '3'],
        ],
        true,
      ),
      502,
      'bad_response',
    ],
    [
      'promises two lengths',
      headers(1, [
        [':status', '200'],
        ['content-length', '3'],
        ['content-length', '4'],
      ]),
      502,
      'bad_response',
    ],
    ['says nothing', '', 504, 'upstream_timeout'],
    ['tells of interim responses for ever', headers(1, [[':status', '103']]), 504, 'upstream_timeout'],
    [
      'sends more fields than max_headers',
      headers(1, [[':status', '200'], ...Array.from({ length: 140 }, (): [string, string] => ['a', 'b'])], true),
      502,
      'response_head_too_large',
    ],
    [
      'sends far more fields than max_headers',
      headers(1, [[':status', '200'], ...Array.from({ length: 400 }, (): [string, string] => ['a', 'b'])], true),
      502,
      'response_head_too_large',
    ],
  ];

  it.each(BEFORE_THE_HEAD)('%s is answered for', async (_, bytes, status, code) => {
    upstream.onConnection((peer) => answer(peer, bytes));
    const from = daemon.log.length;
    const received = await request();
    expect(received).toMatch(new RegExp(`^(HTTP/1.1 103 .*\r\n[^]*)?HTTP/1.1 ${status} `));
    expect(received).toContain(`(${code})`);
    await daemon.logged((line) => codeOf(line) === code, from);
  });

  const BEHIND_THE_HEAD: readonly (readonly [what: string, bytes: string, code: string])[] = [
    ['resets the stream inside of the body', OK + data(1, 'part') + rstStream(1, INTERNAL_ERROR), 'upstream_reset'],
    ['resets it with NO_ERROR', OK + data(1, 'part') + rstStream(1, NO_ERROR), 'upstream_closed'],
    ['resets it with CANCEL', OK + data(1, 'part') + rstStream(1, CANCEL), 'upstream_closed'],
    ['sends less than it promised', LONG + data(1, 'part', true), 'bad_response'],
    // Some versions of node:http2 find out first, and end the stream with INTERNAL_ERROR.
    ['sends more than it promised', LONG + data(1, 'more than that', true), 'bad_response upstream_reset'],
    ['goes away with an error inside of the body', OK + data(1, 'part') + goaway(1, INTERNAL_ERROR), 'upstream_reset'],
    ['sends a second head', OK + data(1, 'part') + headers(1, [[':status', '200']], true), 'bad_response'],
    ['stops inside of the body', OK + data(1, 'part'), 'upstream_stalled'],
  ];

  it.each(BEHIND_THE_HEAD)('%s is never taken for complete', async (_, bytes, code) => {
    upstream.onConnection((peer) => answer(peer, bytes));
    const from = daemon.log.length;
    const client = await RawClient.connect(daemon.port());
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.gone();
    expect(client.received).not.toContain('\r\n0\r\n\r\n');
    await daemon.logged((line) => code.split(' ').includes(String(codeOf(line))), from);
  });

  it('closes its connection inside of the body is never taken for complete', async () => {
    upstream.onConnection(async (peer) => {
      await answer(peer, OK + data(1, 'part'));
      peer.end();
    });
    const client = await RawClient.connect(daemon.port());
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.gone();
    expect(client.received).not.toContain('\r\n0\r\n\r\n');
  });

  it('answers in HTTP/1.1 is told apart from one that cannot be reached', async () => {
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      peer.send('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n').end();
    });
    expect(await request()).toContain('(upstream_http2)');
  });

  it.each(['never sends its SETTINGS', 'takes no streams'])('%s is given up after dial_timeout', async (what) => {
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      if (what === 'takes no streams') peer.send(settings([3, 0]));
    });
    expect(await request()).toContain('(upstream_http2)');
  });

  const REFUSALS: readonly (readonly [what: string, bytes: string])[] = [
    ['refuses a stream', rstStream(1, REFUSED_STREAM)],
    ['goes away before it has looked at it', goaway(0, NO_ERROR)],
    ['goes away with an error before it has looked at it', goaway(0, INTERNAL_ERROR)],
  ];
  const POST = 'POST / HTTP/1.1\r\nHost: a.test\r\n';
  const BODIES: readonly (readonly [body: string, text: string, sent: string])[] = [
    ['no body', `${POST}Content-Length: 0\r\n\r\n`, ''],
    ['a body', `${POST}Content-Length: 4\r\n\r\nbody`, 'body'],
    ['chunks', `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nX-T: 1\r\n\r\n`, 'body'],
  ];

  /** The bytes of all DATA frames. */
  const bodyIn = (received: string): string =>
    framesOf(received)
      .filter(({ type }) => type === Type.data)
      .map(({ payload }) => payload)
      .join('');

  it.each(REFUSALS.flatMap(([what, bytes]) => BODIES.map((body) => [what, ...body, bytes] as const)))(
    '%s gets the request again, whatever its method, with %s',
    async (_, __, text, sent, refusal) => {
      let refused = false;
      upstream.onConnection(async (peer) => {
        await answer(peer, '');
        await peer.until(() => bodyIn(peer.received) === sent, 'the body');
        let stream = 1;
        if (!refused) {
          refused = true;
          peer.send(refusal);
          await peer.until(() => peer.closed || peer.ended || requestsIn(peer.received) >= 2, 'another try');
          if (requestsIn(peer.received) < 2) return;
          await peer.until(() => bodyIn(peer.received) === sent + sent, 'the body again');
          stream = 3;
        }
        peer.send(
          headers(stream, [
            [':status', '200'],
            ['content-length', '2'],
          ]) + data(stream, 'ok', true),
        );
      });
      expect(await request(text)).toMatch(/^HTTP\/1.1 200 [^]*ok$/);
    },
  );

  it('refuses a stream with a long body is not sent it again', async () => {
    upstream.onConnection(async (peer) => {
      await answer(peer, '');
      await peer.until(() => bodyIn(peer.received).length >= 65_535, 'the window full');
      peer.send(rstStream(1, REFUSED_STREAM));
    });
    const long = 100_000;
    const received = await request(`${POST}Content-Length: ${long}\r\n\r\n${'x'.repeat(long)}`);
    expect(received).toMatch(/^HTTP\/1.1 502 [^]*\(upstream_closed\)/);
  });

  it('refuses every stream is asked a few times only', async () => {
    let asked = 0;
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      peer.send(settings() + settingsAck());
      for (let count = 1; ; count++) {
        await peer.until(() => peer.closed || requestsIn(peer.received) >= count, 'a request');
        if (peer.closed) return;
        asked++;
        peer.send(rstStream(count * 2 - 1, REFUSED_STREAM));
      }
    });
    expect(await request()).toMatch(/^HTTP\/1.1 502 [^]*\(upstream_closed\)/);
    expect(asked).toBe(4);
  });

  it('answers early and stops the upload (RFC 9113 §8.1) is passed on as it is', async () => {
    upstream.onConnection((peer) =>
      answer(
        peer,
        headers(1, [
          [':status', '413'],
          ['content-length', '2'],
        ]) +
          data(1, 'ok', true) +
          rstStream(1, NO_ERROR),
      ),
    );
    const received = await request('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\npart');
    expect(received).toMatch(/^HTTP\/1.1 413 [^]*ok$/);
  });

  it('hears of a client that has left, on the stream alone', async () => {
    upstream.onConnection((peer) => answer(peer, ''));
    const client = await RawClient.connect(daemon.port());
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const peer = await upstream.peer();
    await peer.until(() => requestsIn(peer.received) === 1, 'the request');
    client.socket.resetAndDestroy();
    await eventually('RST_STREAM', () => resetsIn(peer.received).length > 0);
    expect(resetsIn(peer.received)).toEqual([CANCEL]);
    expect(peer.closed).toBe(false);
  });

  it.each([
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ['a body of known length', 'Content-Length: 10\r\n\r\npart'],
  ])('never takes %s of a client that has left for complete', async (_, part) => {
    upstream.onConnection((peer) => answer(peer, ''));
    const client = await RawClient.connect(daemon.port());
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\n${part}`);
    const peer = await upstream.peer();
    await peer.until(() => bodyIn(peer.received) === 'part', 'the part');
    client.socket.resetAndDestroy();
    await eventually('RST_STREAM', () => resetsIn(peer.received).length > 0);
    expect(resetsIn(peer.received)).toEqual([CANCEL]);
    expect(
      framesOf(peer.received).filter(({ type, flags }) => type === Type.data && (flags & Flag.endStream) !== 0),
    ).toEqual([]);
  });

  it('never takes the rest of a request that it answers early for complete', async () => {
    upstream.onConnection((peer) =>
      answer(
        peer,
        headers(1, [
          [':status', '200'],
          ['content-length', '2'],
        ]) + data(1, 'ok', true),
      ),
    );
    const client = await RawClient.connect(daemon.port());
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
    const peer = await upstream.peer();
    await eventually('RST_STREAM', () => resetsIn(peer.received).length > 0);
    expect(
      framesOf(peer.received).filter(({ type, flags }) => type === Type.data && (flags & Flag.endStream) !== 0),
    ).toEqual([]);
    client.destroy();
  });
});

function codeOf(line: LogLine): unknown {
  return (line['error'] as { code?: string } | undefined)?.code;
}
