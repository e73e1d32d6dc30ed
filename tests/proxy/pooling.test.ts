import { describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, response } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

const GET = head('GET / HTTP/1.1', 'Host: a.test');

/** Sends so many requests at the same time, and answers them in the order in which they reached the upstream. */
async function atOnce(daemon: TestDaemon, upstream: RawUpstream, count: number): Promise<void> {
  upstream.serve(() => null);
  const before = upstream.requests.length;
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) {
    const client = await RawClient.connect(daemon.port());
    client.send(GET);
    await upstream.received(before + i + 1);
    clients.push(client);
  }
  for (const request of upstream.requests.slice(before)) request.peer.send(response('ok'));
  for (const client of clients) {
    await client.sees('ok');
    client.destroy();
  }
}

describe('idle connections', () => {
  it.each([
    ['max_idle_conns_per_host', 2, 2],
    ['max_idle_conns', 3, 3],
  ])('are kept up to %s: %d', async (key, limit, kept) => {
    const upstream = await RawUpstream.start();
    const daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: upstream.authority } }], { config: { [key]: limit } }),
    );
    await atOnce(daemon, upstream, 5);
    await upstream.until(
      () => upstream.peers.filter((peer) => peer.ended).length === 5 - kept,
      'the rest to be closed',
    );
    // As many at once again use what was kept, and open the others.
    await atOnce(daemon, upstream, 5);
    expect(upstream.peers.length).toBe(5 + 5 - kept);
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('of all upstreams together are bounded by max_idle_conns', async () => {
    const [one, two] = [await RawUpstream.start(), await RawUpstream.start()];
    const daemon = await TestDaemon.start(
      webConfig(
        [
          { match: { path: '/one' }, action: { type: 'proxy', upstream: one.authority } },
          { action: { type: 'proxy', upstream: two.authority } },
        ],
        { config: { max_idle_conns: 1 } },
      ),
    );
    one.serve(response('ok'));
    two.serve(response('ok'));
    for (const path of ['/one', '/two']) expect(await (await fetch(daemon.url(path))).text()).toBe('ok');
    await (await two.peer()).toEnd();
    expect((await one.peer()).ended).toBe(false);
    await one.stop();
    await two.stop();
    await stopHealthy(daemon);
  });

  it('are closed after idle_timeout', async () => {
    const upstream = await RawUpstream.start();
    upstream.serve(response('ok'));
    const daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: upstream.authority } }], { config: { idle_timeout: '200ms' } }),
    );
    expect(await (await fetch(daemon.url())).text()).toBe('ok');
    await (await upstream.peer()).toEnd();
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('never give what was sent ahead of a request as its answer', async () => {
    const upstream = await RawUpstream.start();
    const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: upstream.authority } }]));
    // A response split over two writes, with the second response behind it, before and after prox has read the first.
    for (const cut of [1, 20, response('ok').length - 1, response('ok').length]) {
      const bytes = response('ok') + response('poison');
      upstream.serve(({ peer }) => {
        peer.send(bytes.slice(0, cut));
        setImmediate(() => peer.send(bytes.slice(cut)));
        return null;
      });
      const client = await RawClient.connect(daemon.port());
      for (let i = 0; i < 3; i++) {
        client.send(GET);
        await client.until(() => client.received.split('ok').length === i + 2 || client.received.includes(' 502 '));
      }
      expect(client.received).not.toContain('poison');
      client.destroy();
    }
    await upstream.stop();
    await stopHealthy(daemon);
  });
});
