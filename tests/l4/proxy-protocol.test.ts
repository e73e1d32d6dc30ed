import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLog } from '../testing/access-log.ts';
import { clientHello } from '../testing/client-hello.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { Haproxy } from '../testing/haproxy.ts';
import { stopHealthy } from '../testing/health.ts';
import { Nginx } from '../testing/nginx.ts';
import { freePort } from '../testing/ports.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { pairFor } from '../testing/certificates.ts';
import { eventually } from '../testing/wait.ts';

/** What curl says of an answer: its body, and nothing of its progress. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '-k', '--max-time', '10', ...args]);
  return stdout;
}

const V1 = 'PROXY TCP4 198.51.100.7 203.0.113.9 40000 443\r\n';
const V1_IPV6 = 'PROXY TCP6 2001:db8::7 2001:db8::9 40000 443\r\n';
const V2 = `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c${bytesOf(198, 51, 100, 7)}${bytesOf(203, 0, 113, 9)}\x9c\x40\x01\xbb`;
const V2_LOCAL = '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0';
const REQUEST = 'GET /seen HTTP/1.1\r\nHost: own.test\r\nConnection: close\r\n\r\n';

function bytesOf(...bytes: readonly number[]): string {
  return String.fromCharCode(...bytes);
}

let daemon: TestDaemon;
let upstream: RawUpstream;
let nginx: Nginx;
let nginxPort: number;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  nginxPort = await freePort();
  const { cert, key } = pairFor('own.test');
  const action = { type: 'proxy', upstream: upstream.authority };
  const routes = [
    { match: { domain: 'v1.test' }, action: { type: 'pass', upstream: upstream.authority, proxy_protocol: 'v1' } },
    { match: { domain: 'v2.test' }, action: { type: 'pass', upstream: upstream.authority, proxy_protocol: 'v2' } },
    {
      match: { domain: 'nginx1.test' },
      action: { type: 'pass', upstream: `127.0.0.1:${nginxPort}`, proxy_protocol: 'v1' },
    },
    {
      match: { domain: 'nginx2.test' },
      action: { type: 'pass', upstream: `127.0.0.1:${nginxPort}`, proxy_protocol: 'v2' },
    },
    { action },
  ];
  const config = { proxy_protocol: true, trusted_proxies: ['127.0.0.0/30'], header_timeout: '1s' };
  const tls = { tls: true, tls_cert: 'own.crt', tls_key: 'own.key', h2: false };
  daemon = await TestDaemon.start(
    {
      services: {
        web: { listen: '127.0.0.1:0', routes: [{ action }], config },
        secure: { listen: '127.0.0.1:0', ...tls, routes, config },
        // Trusts no client of these tests.
        strict: {
          listen: '127.0.0.1:0',
          routes: [{ action }],
          config: { ...config, trusted_proxies: ['192.0.2.0/24'] },
        },
        // The announced client is itself a trusted proxy.
        chain: {
          listen: '127.0.0.1:0',
          routes: [{ action }],
          config: { ...config, trusted_proxies: ['127.0.0.1', '198.51.100.7'] },
        },
        sender: { listen: '127.0.0.1:0', ...tls, routes },
      },
      logging: { access_log: 'access.log' },
    },
    { files: { 'own.crt': cert, 'own.key': key }, args: ['-log-level=debug'] },
  );
  nginx = await Nginx.start(
    `listen 127.0.0.1:${nginxPort} ssl proxy_protocol;
     ssl_certificate ${daemon.folder}/own.crt; ssl_certificate_key ${daemon.folder}/own.key;
     location / { return 200 "$proxy_protocol_addr $proxy_protocol_server_addr"; }`,
  );
  upstream.serve(({ head }) => {
    const forwarded = /^X-Forwarded-For: (.*)\r$/im.exec(head)?.[1] ?? '';
    return `HTTP/1.1 200 OK\r\nContent-Length: ${forwarded.length}\r\nConnection: close\r\n\r\n${forwarded}`;
  });
});
afterAll(async () => {
  await upstream.stop();
  await nginx.stop();
  await stopHealthy(daemon);
});

/** The body of the last response in what was received. */
function bodyOf(received: string): string {
  return received.slice(received.lastIndexOf('\r\n\r\n') + 4);
}

describe('a connection from a trusted proxy', () => {
  it.each([
    ['version 1', V1, '198.51.100.7'],
    ['version 1 over IPv6', V1_IPV6, '2001:db8::7'],
    ['version 2', V2, '198.51.100.7'],
    ['version 1 without a client', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
    ['version 2 without a client', V2_LOCAL, '127.0.0.1'],
  ])('tells its client by %s', async (_, header, client) => {
    expect(bodyOf(await exchangeRaw(daemon.port(), header + REQUEST))).toBe(client);
  });

  it.each([
    ['version 1', V1],
    ['version 2', V2],
  ])('may send its header of %s in any pieces', async (_, header) => {
    const all = header + REQUEST;
    for (let cut = 1; cut < header.length + 8; cut++) {
      const client = await RawClient.connect(daemon.port());
      client.socket.setNoDelay(true);
      client.send(all.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      client.send(all.slice(cut));
      expect(bodyOf(await client.toEnd())).toBe('198.51.100.7');
      client.destroy();
    }
  });

  it('has its client in the access log', async () => {
    await exchangeRaw(daemon.port(), V1 + REQUEST.replace('/seen', '/logged'));
    const line = await eventually('the line', async () =>
      (await readLog(`${daemon.folder}/access.log`)).find(({ path }) => path === '/logged'),
    );
    expect(line).toMatchObject({ client_addr: '198.51.100.7' });
  });

  it('does not extend its trust: what the announced client forwards is replaced, unless it is trusted itself', async () => {
    const request = REQUEST.replace('\r\n\r\n', '\r\nX-Forwarded-For: 192.0.2.99\r\n\r\n');
    expect(bodyOf(await exchangeRaw(daemon.port(), V1 + request))).toBe('198.51.100.7');
    expect(bodyOf(await exchangeRaw(daemon.port('chain'), V1 + request))).toBe('192.0.2.99, 198.51.100.7');
  });

  it('works before TLS, with curl', async () => {
    const url = `https://own.test:${daemon.port('secure')}/seen`;
    const body = await curl('--haproxy-protocol', '--resolve', `own.test:${daemon.port('secure')}:127.0.0.1`, url);
    expect(body).toBe('127.0.0.1');
  });

  it.each(['send-proxy', 'send-proxy-v2'])('may be HAProxy with %s', async (option) => {
    const haproxy = await Haproxy.start(`127.0.0.1:${daemon.port('secure')} ${option}`);
    try {
      const url = `https://own.test:${haproxy.port}/seen`;
      const interfaceOf = ['--interface', '127.0.0.9'];
      const body = await curl(...interfaceOf, '--resolve', `own.test:${haproxy.port}:127.0.0.1`, url);
      expect(body).toBe('127.0.0.9');
    } finally {
      await haproxy.stop();
    }
  });

  it('has its client told on by a pass route', async () => {
    const index = upstream.peers.length;
    const client = await RawClient.connect(daemon.port('secure'));
    const hello = await clientHello('v2.test');
    client.socket.write(Buffer.concat([Buffer.from(V1, 'latin1'), hello]));
    const peer = await upstream.peer(index);
    const expected = V2 + hello.toString('latin1');
    await peer.until(() => peer.received.length >= expected.length, 'the header and the ClientHello');
    expect(peer.received).toBe(expected);
    client.destroy();
  });

  it.each([
    ['no header', REQUEST],
    ['TLS without a header', '\x16\x03\x01\x02\x00\x01'],
    ['a malformed header', 'PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n'],
    ['a header without an end', `PROXY ${'x'.repeat(300)}`],
    ['half a signature', '\r\n\r\n\0\r\nQUIX'],
    ['a length beyond all reason', '\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff'],
  ])('is closed without an answer when it sends %s', async (_, bytes) => {
    const from = daemon.log.length;
    expect(await exchangeRaw(daemon.port(), bytes)).toBe('');
    await daemon.logged(
      ({ msg, error }) => msg === 'connection refused' && (error as { code: string }).code === 'bad_proxy_header',
      from,
    );
  });

  it.each(['', 'PROXY TCP4 ', '\r\n\r\n\0'])(
    'is closed after header_timeout when it has sent no more than %j',
    async (bytes) => {
      const started = performance.now();
      expect(await exchangeRaw(daemon.port(), bytes)).toBe('');
      expect(performance.now() - started).toBeGreaterThan(950);
    },
  );

  it('floods no log when it sends no header', async () => {
    for (let i = 0; i < 50; i++) await exchangeRaw(daemon.port(), REQUEST);
    const refusals = daemon.log.filter(({ msg, service }) => msg === 'connection refused' && service === 'web');
    expect(refusals.filter(({ level }) => level !== 'debug')).toHaveLength(1);
  });
});

describe('a connection from anyone else', () => {
  it('is served without a header, and refused with one as with any malformed request', async () => {
    expect(bodyOf(await exchangeRaw(daemon.port('strict'), REQUEST))).toBe('127.0.0.1');
    expect(await exchangeRaw(daemon.port('strict'), V1 + REQUEST)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await exchangeRaw(daemon.port('strict'), V2 + REQUEST)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a pass route with proxy_protocol', () => {
  it('v1 sends the header before the first byte of the client', async () => {
    const index = upstream.peers.length;
    const client = await RawClient.connect(daemon.port('sender'));
    const hello = await clientHello('v1.test');
    client.socket.write(hello);
    const peer = await upstream.peer(index);
    await peer.until(() => peer.received.includes('\r\n'), 'the header');
    const { localPort } = client.socket;
    const line = `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${daemon.port('sender')}\r\n`;
    expect(peer.received).toBe(line + hello.toString('latin1'));
    client.destroy();
  });

  it.each(['nginx1.test', 'nginx2.test'])('is understood by nginx: %s', async (name) => {
    const url = `https://${name}:${daemon.port('sender')}/`;
    const from = ['--interface', '127.0.0.8', '--resolve', `${name}:${daemon.port('sender')}:127.0.0.1`];
    expect(await curl(...from, url)).toBe('127.0.0.8 127.0.0.1');
  });
});
