import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { exchangeTls, lastRequest, startTls, tlsConfig } from '../testing/tls.ts';

const authority = makePair({ subject: 'authority', authority: true });
const alice = makePair({ subject: 'alice/O=Example', issuer: authority });
const sneaky = makePair({ subject: 'x\r\nX-Admin: yes', issuer: authority });
const mallory = makePair({ subject: 'alice/O=Example' });
const server = makePair({ alternatives: 'DNS:a.test' });

const SHOWN = {
  action: {
    type: 'static',
    status: 200,
    headers: { 'X-Who': '{tls.client.subject}' },
    body_ref: {
      text: '[{tls.client.subject}] [{tls.client.fingerprint}]',
    },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'prox-clients-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [name, text] of Object.entries({ 'ca.pem': authority.cert, 'other.pem': mallory.cert }))
  writeFileSync(join(folder, name), text);

const service = (auth: string, ca = 'ca.pem'): Record<string, unknown> => ({
  tls_client_ca: join(folder, ca),
  tls_client_auth: auth,
});

const fingerprint = new X509Certificate(alice.cert).fingerprint256.replaceAll(':', '').toLowerCase();

/** What a client gets, or the error that its connection ends with. */
async function attempt(port: number, options: ConnectionOptions): Promise<string> {
  try {
    const answer = await exchangeTls(port, lastRequest('a.test'), options);
    return answer === '' ? 'closed' : answer.slice(answer.indexOf('\r\n\r\n') + 4);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** A session to resume: with TLS 1.2 it comes in the handshake, with TLS 1.3 behind it. */
async function sessionAt(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ port, rejectUnauthorized: false, ...options });
  socket.resume();
  const [[session]] = (await Promise.all([once(socket, 'session'), once(socket, 'secureConnect')])) as [
    [Buffer],
    unknown,
  ];
  socket.destroy();
  return session;
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

describe.each(VERSIONS)('tls_client_auth with %s', (maxVersion) => {
  let requiring: TestDaemon;
  let requesting: TestDaemon;
  beforeAll(async () => {
    const start = (auth: string): Promise<TestDaemon> =>
      startTls({ pairs: { a: server }, routes: [SHOWN], service: service(auth), args: ['-log-level', 'debug'] });
    [requiring, requesting] = await Promise.all([start('require'), start('request')]);
  });
  afterAll(() => Promise.all([stopHealthy(requiring), stopHealthy(requesting)]));

  it('accepts a client with a valid certificate', async () => {
    const shown = `[O=Example,CN=alice] [${fingerprint}]`;
    for (const daemon of [requiring, requesting]) {
      const got = await attempt(daemon.port(), { ...alice, maxVersion });
      expect([shown, `[CN=alice/O=Example] [${fingerprint}]`]).toContain(got);
    }
  });

  it('lets in who shows nothing, where it only requests, and refuses him where it requires', async () => {
    expect(await attempt(requesting.port(), { maxVersion })).toBe('[] []');
    expect(await attempt(requiring.port(), { maxVersion })).toMatch(/ALERT|closed|ECONNRESET/);
    await requiring.logged((line) => JSON.stringify(line).includes('did not return a certificate'));
  });

  it('refuses a client that shows the certificate of another client', async () => {
    for (const daemon of [requiring, requesting]) {
      expect(await attempt(daemon.port(), { ...mallory, maxVersion })).toMatch(/closed|ECONNRESET|ALERT/);
    }
    await requesting.logged((line) => JSON.stringify(line).includes('certificate is not valid: '));
  });

  it('does not believe the session of a refused client either', async () => {
    const sessions: Buffer[] = [];
    for (const daemon of [requiring, requesting]) {
      const socket = connect({ port: daemon.port(), rejectUnauthorized: false, ...mallory, maxVersion });
      const closed = new Promise((resolve) => socket.on('close', resolve));
      socket.on('session', (session) => sessions.push(session));
      socket.on('error', () => {});
      socket.resume();
      await closed;
      for (const session of sessions.splice(0)) {
        const got = await attempt(daemon.port(), { ...mallory, maxVersion, session });
        expect(got).toMatch(/closed|ECONNRESET|ALERT/);
        expect(await attempt(requiring.port(), { maxVersion, session })).toMatch(/closed|ECONNRESET|ALERT/);
      }
    }
  });

  it('does not let in who resumes a session that began without a certificate', async () => {
    const session = await sessionAt(requesting.port(), { maxVersion });
    expect(await attempt(requesting.port(), { maxVersion, session })).toBe('[] []');
    expect(await attempt(requiring.port(), { maxVersion, session })).toMatch(/closed|ECONNRESET|ALERT/);
  });

  it('keeps line ends of a name out of the fields', async () => {
    const answer = await exchangeTls(requesting.port(), lastRequest('a.test'), { ...sneaky, maxVersion });
    expect(answer).toMatch(/^X-Who: CN=x/m);
    expect(answer).not.toMatch(/^X-Admin/m);
  });

  it('believes no session any more when a reload has changed the authority', async () => {
    const session = await sessionAt(requesting.port(), { ...alice, maxVersion });
    expect(await requesting.reload(tlsConfig([SHOWN], service('request', 'other.pem')))).toBe(true);
    expect(await attempt(requesting.port(), { ...alice, maxVersion, session })).toMatch(/closed|ECONNRESET|ALERT/);
    expect(await requesting.reload(tlsConfig([SHOWN], service('request')))).toBe(true);
    expect(await attempt(requesting.port(), { ...alice, maxVersion, session })).toContain(fingerprint);
  });
});

describe('a TLS listener on a unix socket', () => {
  it('tells many clients apart that shake hands at once', async () => {
    const path = join(folder, 'prox.sock');
    const daemon = await startTls({
      pairs: { a: server },
      routes: [SHOWN],
      service: { ...service('request'), listen: `unix://${path}` },
      args: ['-workers', '0'],
    });
    const clients = Array.from({ length: 40 }, (_, index) => index % 3 !== 2);
    const answers = await Promise.all(
      clients.map(async (named) => {
        const socket = connect({ socket: connectPlain(path), rejectUnauthorized: false, ...(named ? alice : {}) });
        let received = '';
        socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
        await once(socket, 'secureConnect');
        socket.write(lastRequest('a.test'));
        await once(socket, 'end');
        socket.destroy();
        return received.includes(fingerprint);
      }),
    );
    expect(answers).toEqual(clients);
    await stopHealthy(daemon);
  });
});

describe('a client behind a proxy that tells its address', () => {
  it('keeps that address behind TLS', async () => {
    const upstream = createServer((request, response) => {
      response.setHeader('Connection', 'close').end(request.headers['x-forwarded-for']);
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    const daemon = await startTls({
      pairs: { a: server },
      routes: [{ action: { type: 'proxy', upstream: `http://127.0.0.1:${port}` } }],
      service: { config: { proxy_protocol: true, trusted_proxies: ['127.0.0.1'] } },
    });
    const socket = connectPlain(daemon.port(), '127.0.0.1');
    socket.write('PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n');
    expect(await exchangeTls(0, lastRequest('a.test'), { socket })).toMatch(/192\.0\.2\.7$/);
    upstream.close();
    await stopHealthy(daemon);
  });
});
