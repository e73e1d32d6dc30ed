import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { freePort } from '../testing/ports.ts';
import { head, response } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

/** A client that waits for a 100, or for an answer to its head, sends no body before the upstream has seen that head. */
describe('the head of a request whose body comes later', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  const clients: (RawClient | H2Client)[] = [];
  // For each test anew: prox learns how long an upstream keeps idle connections, and sends no POST on an older one.
  beforeEach(async () => {
    upstream = await RawUpstream.start();
    const alive = { type: 'proxy', upstream: upstream.authority };
    const dead = { type: 'proxy', upstream: `127.0.0.1:${await freePort()}`, fallback: 'alive' };
    const routes = [{ match: { path: '/dead' }, action: dead }, { action: 'alive' }];
    daemon = await TestDaemon.start(webConfig(routes, {}, { actions: { alive } }));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await upstream.stop();
    await stopHealthy(daemon);
  });

  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(daemon.port());
    clients.push(client);
    return client;
  };
  /** Leaves one idle connection to the upstream. */
  const useOnce = async (): Promise<void> => {
    upstream.serve(response('ok'));
    await (await connect()).send(head('GET / HTTP/1.1', 'Host: a')).sees('ok');
  };
  const post = (path: string): string => head(`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Length: 4');

  it.each(['new', 'used'])('of HTTP/1.1 is sent at once, on a connection that is %s', async (kind) => {
    if (kind === 'used') await useOnce();
    else upstream.serve(response('ok'));
    const client = (await connect()).send(post('/late'));
    await (await upstream.peer()).sees('POST /late');
    await client.send('body').sees('ok');
    expect(upstream.peers).toHaveLength(1);
  });

  it.each(['new', 'used'])('of HTTP/2 is sent at once, on a connection that is %s', async (kind) => {
    if (kind === 'used') await useOnce();
    else upstream.serve(response('ok'));
    const client = await H2Client.connect(daemon.url());
    clients.push(client);
    const stream = client.open({ ':method': 'POST', ':path': '/late', 'content-length': '4' });
    await (await upstream.peer()).sees('POST /late');
    stream.end('body');
    await upstream.received(kind === 'used' ? 2 : 1);
    expect(upstream.peers).toHaveLength(1);
  });

  it('is sent at once to a fallback, on a connection that was used before', async () => {
    await useOnce();
    const client = (await connect()).send(post('/dead'));
    await (await upstream.peer()).sees('POST /dead');
    await client.send('body').sees('ok');
    expect(upstream.peers).toHaveLength(1);
  });
});
