import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import {
  data,
  framesOf,
  goaway,
  headers,
  PREFACE,
  requestsIn,
  settings,
  settingsAck,
  Type,
} from '../testing/http2-frames.ts';
import { type RawPeer, RawUpstream } from '../testing/raw-upstream.ts';

/** Much less than response_header_timeout, which a request that was never sent would wait for. */
const AT_ONCE_MS = 5000;

const OK = (stream: number): string => headers(stream, [[':status', '200']]) + data(stream, 'ok', true);

describe('an HTTP/2 session of an upstream', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeEach(async () => {
    upstream = await RawUpstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    daemon = await TestDaemon.start(webConfig([{ action }], { config: { h2_read_idle_timeout: '10m' } }));
  });
  afterEach(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  const get = async (): Promise<string> => {
    const answer = await fetch(daemon.url(), { method: 'POST', signal: AbortSignal.timeout(AT_ONCE_MS) });
    return `${answer.status} ${await answer.text()}`;
  };

  /** Answers the first request of the first connection and then sends these bytes; answers all requests of later ones. */
  const breaksOnceWith = (bytes: string): void => {
    let first = true;
    upstream.onConnection(async (peer) => {
      const breaks = first;
      first = false;
      await begin(peer);
      for (let count = 1; ; count++) {
        await peer.until(() => peer.closed || peer.ended || requestsIn(peer.received) >= count, 'a request');
        if (peer.closed || peer.ended) return;
        if (!breaks || count === 1) peer.send(OK(count * 2 - 1));
        if (breaks && count === 1) peer.send(bytes);
      }
    });
  };

  it.each([
    ['DATA on stream 0', data(0, 'x')],
    ['CONTINUATION without HEADERS', String.fromCharCode(0, 0, 1, 9, 0, 0, 0, 0, 1, 0)],
    ['GOAWAY', goaway(1, 0)],
    ['GOAWAY with an error', goaway(1, 2)],
  ])('that has got %s gets no other request, and the next one is answered', async (_, bytes) => {
    breaksOnceWith(bytes);
    expect(await get()).toBe('200 ok');
    expect(await get()).toBe('200 ok');
    expect(await get()).toBe('200 ok');
    const peer = await upstream.peer(0);
    await peer.until(() => peer.ended || peer.closed, 'the first session to be closed');
    expect(upstream.peers.length).toBe(2);
    const warned = daemon.log.filter(({ msg, level }) => msg === 'upstream session ended' && level === 'warn');
    expect(warned.length).toBe(bytes === goaway(1, 0) ? 0 : 1);
  });

  it('that was lost while a request waits fails it at once', async () => {
    upstream.onConnection(async (peer) => {
      await begin(peer);
      await peer.until(() => requestsIn(peer.received) >= 1, 'a request');
      peer.send(data(0, 'x'));
    });
    expect(await get()).toMatch(/^502 /);
    const peer = await upstream.peer(0);
    await peer.until(() => peer.ended || peer.closed, 'the session to be closed');
    expect(framesOf(peer.received).filter(({ type }) => type === Type.goaway).length).toBe(1);
  });
});

async function begin(peer: RawPeer): Promise<void> {
  await peer.sees(PREFACE);
  peer.send(settings() + settingsAck());
}
