import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { clientHello } from '../testing/client-hello.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

let daemon: TestDaemon;
let upstream: RawUpstream;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  const pass = { match: { domain: 'pass.test' }, action: { type: 'pass', upstream: upstream.authority } };
  const drop = { match: { domain: 'drop.test' }, action: { type: 'drop' } };
  const own = { action: { type: 'static', status: 200, body_ref: { text: 'own' } } };
  daemon = await TestDaemon.start({
    services: {
      // TLS, and nothing to terminate it with.
      router: { listen: '127.0.0.1:0', tls: true, routes: [pass, drop] },
      // Plain HTTP, and TLS for some names.
      both: { listen: '127.0.0.1:0', routes: [pass, drop, own] },
    },
    logging: { access_log: 'access.log' },
  });
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
});

describe.each(['router', 'both'])('a listener without a certificate: %s', (service) => {
  it('passes a connection on by its server name', async () => {
    const index = upstream.peers.length;
    const hello = await clientHello('pass.test');
    const client = await RawClient.connect(daemon.port(service));
    client.socket.write(hello);
    const peer = await upstream.peer(index);
    await peer.sees(hello.toString('latin1'));
    peer.send('answer').end();
    expect(await client.toEnd()).toBe('answer');
    client.end();
    await peer.gone();
  });

  it.each(['none.test', 'drop.test'])('closes a connection for %s', async (name) => {
    const before = (await readLog(`${daemon.folder}/access.log`)).length;
    const client = await RawClient.connect(daemon.port(service));
    client.socket.write(await clientHello(name));
    expect(await client.toEnd()).toBe('');
    const lines = await logLines(`${daemon.folder}/access.log`, before + 1);
    // A catch-all that answers requests cannot answer TLS here either.
    const error = name === 'drop.test' ? 'dropped' : 'no_route';
    expect(lines.some((line) => line['host'] === name && line['error'] === error)).toBe(true);
  });
});

describe('plain HTTP', () => {
  it('is refused by a TLS listener without a certificate', async () => {
    const answer = await exchangeRaw(daemon.port('router'), 'GET / HTTP/1.1\r\nHost: pass.test\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*this port speaks TLS/);
  });

  it('is served by a plain listener with pass routes, whose hosts are misdirected', async () => {
    const get = (host: string): Promise<string> =>
      exchangeRaw(daemon.port('both'), `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await get('own.test')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('pass.test')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await get('drop.test')).toBe('');
  });
});
