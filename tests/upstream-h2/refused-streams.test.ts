import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { data, headers, PREFACE, requestsIn, rstStream, settings, settingsAck } from '../testing/http2-frames.ts';
import { type RawPeer, RawUpstream } from '../testing/raw-upstream.ts';

const REFUSED_STREAM = 7;

const HEAD = (stream: number): string => headers(stream, [[':status', '200']]);
const OK = (stream: number): string => HEAD(stream) + data(stream, 'ok', true);
const REFUSED = (stream: number): string => rstStream(stream, REFUSED_STREAM);

describe('an HTTP/2 session of an upstream that refuses streams', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeEach(async () => {
    upstream = await RawUpstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    daemon = await TestDaemon.start(webConfig([{ action }]));
  });
  afterEach(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  /** Answers the requests of each connection, both counted from 0, by bytes for a stream. */
  const answers = (choose: (connection: number, request: number) => (stream: number) => string): void =>
    upstream.onConnection(async (peer: RawPeer) => {
      const connection = upstream.peers.indexOf(peer);
      await peer.sees(PREFACE);
      peer.send(settings() + settingsAck());
      for (let request = 0; ; request++) {
        await peer.until(() => peer.closed || peer.ended || requestsIn(peer.received) > request, 'a request');
        if (requestsIn(peer.received) <= request) return;
        peer.send(choose(connection, request)(request * 2 + 1));
      }
    });

  const get = async (): Promise<string> => {
    const answer = await fetch(daemon.url(), { method: 'POST' });
    return `${answer.status} ${await answer.text()}`;
  };

  const asked = (): number[] => upstream.peers.map((peer) => requestsIn(peer.received));

  it('is not used again after three in a row, and the request gets another', async () => {
    answers((connection) => (connection === 0 ? REFUSED : OK));
    const from = daemon.log.length;
    expect(await get()).toBe('200 ok');
    expect(asked()).toEqual([3, 1]);
    expect(await get()).toBe('200 ok');
    expect(asked()).toEqual([3, 2]);
    const line = await daemon.logged((logged) => JSON.stringify(logged).includes('upstream session ended'), from);
    expect(JSON.stringify(line)).toContain('refused 3 requests in a row');
    await upstream.until(() => upstream.peers[0].ended || upstream.peers[0].closed, 'the first to be closed');
  });

  it('is kept while it answers others', async () => {
    answers((_, request) => (request % 3 < 2 ? REFUSED : OK));
    expect([await get(), await get(), await get()]).toEqual(['200 ok', '200 ok', '200 ok']);
    expect(asked()).toEqual([9]);
  });

  it('finishes the streams that it has taken', async () => {
    answers((connection, request) => (connection > 0 ? OK : request === 0 ? HEAD : REFUSED));
    const begun = await fetch(daemon.url());
    expect(await get()).toBe('200 ok');
    expect(asked()).toEqual([4, 1]);
    expect(upstream.peers[0].ended || upstream.peers[0].closed).toBe(false);
    upstream.peers[0].send(data(1, 'late', true));
    expect(await begun.text()).toBe('late');
    await upstream.until(() => upstream.peers[0].ended || upstream.peers[0].closed, 'the first to be closed');
  });
});
