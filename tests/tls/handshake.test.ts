import { once } from 'node:events';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import { clientHello } from '../testing/client-hello.ts';
import type { LogLine, TestDaemon } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { RawClient } from '../testing/raw-client.ts';
import { sClient } from '../testing/s-client.ts';
import { connectTls, exchangeTls, lastRequest, run, startTls } from '../testing/tls.ts';

const HELLO = { action: { type: 'static', status: 200, body_ref: { text: 'hello {host}' } } };
const pair = makePair({ alternatives: 'DNS:a.test' });

function codeOf(line: Readonly<Record<string, unknown>>): unknown {
  return (line['error'] as { readonly code?: string } | undefined)?.code;
}

describe('a TLS listener', () => {
  let daemon: TestDaemon;
  let base: number;
  beforeAll(async () => {
    daemon = await startTls({
      pairs: { a: pair },
      routes: [HELLO],
      service: { config: { tls_handshake_timeout: '300ms' } },
      args: ['-workers', '0', '-log-level', 'debug'],
    });
    base = await openSockets(daemon);
  });
  afterAll(() => stopHealthy(daemon));

  it.each([
    ['-tls1_2', 'Protocol  : TLSv1.2'],
    ['-tls1_3', 'TLSv1.3, Cipher is TLS_'],
  ])('speaks %s', async (version, said) => {
    const output = await sClient(daemon.port(), [version], lastRequest('a.test'));
    expect(output).toContain(said);
    expect(output).toContain('hello a.test');
  });

  it('refuses older versions', async () => {
    const args = ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'];
    expect(await sClient(daemon.port(), args)).toContain('alert protocol version');
    await daemon.logged((line) => codeOf(line) === 'tls_handshake');
  });

  it.each<[string, readonly string[], string]>([
    ['h2,http/1.1', ['-alpn', 'h2,http/1.1'], 'ALPN protocol: h2'],
    ['http/1.1', ['-alpn', 'http/1.1'], 'ALPN protocol: http/1.1'],
    ['http/1.0,http/1.1', ['-alpn', 'http/1.0,http/1.1'], 'ALPN protocol: http/1.1'],
    ['nothing', [], 'No ALPN negotiated'],
    ['what it does not speak', ['-alpn', 'ftp'], 'alert no application protocol'],
  ])('answers a client that offers %s', async (_, args, said) => {
    expect(await sClient(daemon.port(), args)).toContain(said);
  });

  it('closes a connection on which nothing comes within tls_handshake_timeout', async () => {
    const begun = Date.now();
    const client = await RawClient.connect(daemon.port());
    await client.toEnd();
    client.destroy();
    // header_timeout, which bounded it before, is 10 s.
    expect(Date.now() - begun).toBeLessThan(8000);
    const line = await daemon.logged((entry) =>
      JSON.stringify(entry).includes('did not begin the TLS handshake within 300 ms'),
    );
    expect(codeOf(line)).toBe('tls_handshake');
  });

  it('is HTTP/1.1 for a client without ALPN', async () => {
    expect(await exchangeTls(daemon.port(), lastRequest('a.test'))).toMatch(/^HTTP\/1\.1 200 .*hello a\.test$/s);
  });

  it('lets no client renegotiate', async () => {
    const child = run('openssl', ['s_client', '-connect', `127.0.0.1:${daemon.port()}`, '-tls1_2'], 'R\n');
    expect((await child).output).toMatch(/no renegotiation/i);
  });

  it('serves curl that verifies it', async () => {
    const url = `https://a.test:${daemon.port()}/`;
    const resolve = ['--resolve', `a.test:${daemon.port()}:127.0.0.1`];
    const cacert = ['--cacert', `${daemon.folder}/certs/a.crt`];
    const { output } = await run('curl', ['-s', '--http1.1', ...resolve, ...cacert, '-w', ' %{http_version}', url]);
    expect(output).toBe(`hello a.test:${daemon.port()} 1.1`);
  });

  it.each<[string, string]>([
    ['ends at once', ''],
    ['ends inside of a record', '16030100f0010000'],
    ['sends a record of garbage', `1603010010${'ff'.repeat(16)}`],
    ['sends an alert', '15030100020228'],
    ['sends an oversized record', `160301ffff${'00'.repeat(64)}`],
  ])('survives a client that %s', async (_, hex) => {
    const client = await RawClient.connect(daemon.port());
    client.send(Buffer.from(hex, 'hex').toString('latin1')).end();
    await client.gone();
    expect(await exchangeTls(daemon.port(), lastRequest('a.test'))).toContain('hello');
  });

  it('survives a client that resets in the handshake', async () => {
    const socket = connect(daemon.port(), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.from('16030100f0010000', 'hex'), () => socket.resetAndDestroy());
    await once(socket, 'close');
    expect(await exchangeTls(daemon.port(), lastRequest('a.test'))).toContain('hello');
  });

  it('gives up a handshake that drips', async () => {
    // Its drops may meet a connection that is closed already, and be answered by a reset.
    const client = await RawClient.connect(daemon.port());
    client.send('\x16\x03\x01\x01\x00');
    const drip = setInterval(() => client.send('\x01'), 50);
    await client.gone();
    clearInterval(drip);
    const line = await daemon.logged((each) => JSON.stringify(each).includes('was not complete within 300 ms'));
    expect(line.level).toBe('debug');
  });

  it('keeps nothing of all these, and logs no more than at debug level', async () => {
    await socketsBackTo(daemon, base);
    const said = daemon.log.filter((line) => codeOf(line) === 'tls_handshake');
    expect(said.length).toBeGreaterThan(0);
    expect(new Set(said.map(({ level }) => level))).toEqual(new Set(['debug']));
  });
});

describe('a client that ends its side before the handshake is over', () => {
  it.each([
    ['one certificate', { a: pair }],
    ['several', { a: pair, b: makePair({ alternatives: 'DNS:b.test' }) }],
  ])('is closed at once by a listener with %s', async (_, pairs) => {
    const daemon = await startTls({ pairs, routes: [HELLO], args: ['-log-level', 'debug'] });
    const client = await RawClient.connect(daemon.port());
    client.socket.end(await clientHello('a.test'));
    await client.gone();
    const said = (line: LogLine): boolean =>
      JSON.stringify(line).includes('the connection closed during the handshake');
    expect((await daemon.logged(said)).level).toBe('debug');
    await stopHealthy(daemon);
  });
});

describe('two thousand clients that begin a handshake and say no more', () => {
  it('lock no other client out', async () => {
    const daemon = await startTls({ pairs: { a: pair }, routes: [HELLO] });
    const stuck = Array.from({ length: 2100 }, () => {
      const socket = connect(daemon.port(), '127.0.0.1', () => socket.write('\x16'));
      return socket.on('error', () => {}).resume();
    });
    await Promise.all(stuck.map((socket) => once(socket, 'connect')));
    // Less than the ten seconds that they have.
    const end = Date.now() + 6000;
    let answer = '';
    while (answer === '' && Date.now() < end) {
      answer = await exchangeTls(daemon.port(), lastRequest('a.test')).catch(() => '');
    }
    for (const socket of stuck) socket.destroy();
    expect(answer).toContain('hello a.test');
    await stopHealthy(daemon);
  });
});

describe('a TLS listener with h2: false', () => {
  it('offers HTTP/1.1 alone', async () => {
    const daemon = await startTls({ pairs: { a: pair }, routes: [HELLO], service: { h2: false } });
    expect(await sClient(daemon.port(), ['-alpn', 'h2,http/1.1'])).toContain('ALPN protocol: http/1.1');
    expect(await sClient(daemon.port(), ['-alpn', 'h2'])).toContain('alert no application protocol');
    await stopHealthy(daemon);
  });
});

describe('a daemon that stops', () => {
  it('waits a moment for a handshake that is under way, and for no more', async () => {
    const daemon = await startTls({ pairs: { a: pair }, routes: [HELLO], args: ['-workers', '0'] });
    const stuck = connect(daemon.port(), '127.0.0.1');
    stuck.on('error', () => {});
    stuck.resume();
    await once(stuck, 'connect');
    stuck.write(Buffer.from('16030100f0010000', 'hex'));
    const served = await connectTls(daemon.port());
    const begun = Date.now();
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
    expect(Date.now() - begun).toBeLessThan(8000);
    served.destroy();
    await daemon.stop();
  });
});
