import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { pairFor } from '../testing/certificates.ts';
import { TestUpstream } from '../testing/upstream.ts';

const run = promisify(execFile);

let upstream: TestUpstream;
let daemon: TestDaemon;

beforeAll(async () => {
  upstream = await TestUpstream.start((request, answer) => request.pipe(answer));
  const { cert, key } = pairFor('localhost');
  const routes = [
    { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: '{path} {host}' } } },
    { action: { type: 'proxy', upstream: upstream.address } },
  ];
  const tls = { tls: true, tls_cert: 'own.crt', tls_key: 'own.key' };
  const services = {
    web: { listen: '127.0.0.1:0', routes },
    secure: { listen: '127.0.0.1:0', routes, ...tls },
    old: { listen: '127.0.0.1:0', routes, ...tls, h2: false },
  };
  daemon = await TestDaemon.start({ services }, { files: { 'own.crt': cert, 'own.key': key } });
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
});

async function curl(...args: readonly string[]): Promise<string> {
  return (await run('curl', ['-sSk', '--max-time', '10', ...args])).stdout;
}

/** Where a service answers. */
function at(service: string, path: string): string {
  return `${service === 'web' ? 'http' : 'https'}://127.0.0.1:${daemon.port(service)}${path}`;
}

describe('curl', () => {
  it.each([
    ['with prior knowledge', 'web', '--http2-prior-knowledge', '2'],
    ['over TLS', 'secure', '--http2', '2'],
    ['over TLS, where HTTP/2 is not offered', 'old', '--http2', '1.1'],
    ['without prior knowledge, as an upgrade to h2c is not made', 'web', '--http2', '1.1'],
  ])('%s is answered', async (_, service, flag, version) => {
    const said = await curl(flag, '-w', ' %{http_version}', at(service, '/static'));
    expect(said).toBe(`/static 127.0.0.1:${daemon.port(service)} ${version}`);
  });

  it.each([['web'], ['secure']])('gets back what it has sent to %s', async (service) => {
    const text = 'x'.repeat(100_000);
    expect(await curl('--http2-prior-knowledge', '--data-binary', text, at(service, '/echo'))).toBe(text);
  });
});

describe('h2load', () => {
  it.each([['web'], ['secure']])('has every request to %s answered', async (service) => {
    const sockets = await openSockets(daemon);
    const { stdout } = await run('h2load', ['-n', '3000', '-c', '10', '-m', '50', at(service, '/echo')]);
    expect(stdout).toContain('3000 succeeded, 0 failed, 0 errored, 0 timeout');
    // What is left are connections to the upstream.
    await socketsBackTo(daemon, sockets + upstream.open.size);
  });
});

describe('a client over TLS', () => {
  it('is known to be encrypted', async () => {
    const client = await H2Client.connect(at('secure', ''));
    await client.get('/tls');
    expect(upstream.requests.find(({ url }) => url === '/tls')?.headers['x-forwarded-proto']).toBe('https');
    client.destroy();
  });
});
