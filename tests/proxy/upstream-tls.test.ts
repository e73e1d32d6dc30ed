import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { failuresIn } from '../testing/failures.ts';
import { stopHealthy } from '../testing/health.ts';
import { eventually } from '../testing/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'prox-certs-'));
const pem = (name: string): string => join(folder, name);
/** A self-signed certificate. */
function certify(name: string, subject: string, alternatives: string): void {
  const { cert, key } = makePair({ subject, alternatives, authority: true });
  writeFileSync(pem(`${name}.crt`), cert);
  writeFileSync(pem(`${name}.key`), key);
}

const SETTINGS = {
  '/default': undefined,
  '/ca': { ca: pem('server.crt') },
  '/other-ca': { ca: pem('client.crt') },
  '/insecure': { insecure: true },
  '/named': { ca: pem('server.crt'), server_name: 'origin.test' },
  '/misnamed': { ca: pem('server.crt'), server_name: 'other.test' },
} as const;

function codeOf(line: LogLine): unknown {
  return (line['error'] as { code?: string } | undefined)?.code;
}

describe('an https:// upstream', () => {
  let server: Server;
  let picky: Server;
  let daemon: TestDaemon;
  let connections = 0;
  beforeAll(async () => {
    certify('server', 'origin.test', 'DNS:origin.test,IP:127.0.0.1');
    certify('client', 'prox', 'DNS:prox.test');
    const keys = { cert: readFileSync(pem('server.crt')), key: readFileSync(pem('server.key')) };
    server = createServer({ ...keys, ALPNProtocols: ['http/1.1'] }, (request, response) => {
      const socket = request.socket as TLSSocket & { servername?: string | false };
      response.end(JSON.stringify([socket.servername, socket.alpnProtocol, request.headers.host]));
    });
    server.on('secureConnection', () => connections++);
    picky = createServer({ ...keys, requestCert: true, ca: readFileSync(pem('client.crt')) }, (request, response) => {
      response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN);
    });
    for (const one of [server, picky]) await once(one.listen(0, '127.0.0.1'), 'listening');
    const upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const pickyUpstream = `https://127.0.0.1:${(picky.address() as AddressInfo).port}`;
    const route = (path: string, to: string, tls: unknown): unknown => ({
      match: { path },
      action: { type: 'proxy', upstream: to, ...(tls === undefined ? {} : { upstream_tls: tls }) },
    });
    const identity = { cert: pem('client.crt'), key: pem('client.key') };
    daemon = await TestDaemon.start(
      webConfig([
        ...Object.entries(SETTINGS).map(([path, tls]) => route(path, upstream, tls)),
        route('/identified', pickyUpstream, { ca: pem('server.crt'), ...identity }),
        route('/unidentified', pickyUpstream, { ca: pem('server.crt') }),
        route('/plain-to-tls', upstream.replace('https', 'http'), undefined),
      ]),
    );
  });
  afterAll(async () => {
    for (const one of [server, picky]) one.close().closeAllConnections();
    rmSync(folder, { recursive: true });
    await stopHealthy(daemon);
  });

  it('whose certificate is not trusted is a 502', async () => {
    for (const path of ['/default', '/other-ca', '/misnamed']) {
      const answer = await fetch(daemon.url(path));
      expect([answer.status, await answer.text()]).toEqual([502, '502 Bad Gateway (upstream_tls)\n']);
    }
    const failed = (): LogLine[] => daemon.log.filter((line) => codeOf(line) === 'upstream_tls');
    await eventually('a line or a count for each', () => failuresIn(failed()) === 3);
    expect(failed()[0]).toMatchObject({ level: 'warn', msg: 'exchange failed', path: '/default' });
  });

  it.each([
    ['/ca', false],
    ['/insecure', false],
    ['/named', 'origin.test'],
  ])('is reached with the settings of %s', async (path, name) => {
    const answer = await fetch(daemon.url(path));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await answer.json()).toEqual([name, 'http/1.1', host]);
  });

  it('keeps its connections, which are not shared by other settings', async () => {
    await (await fetch(daemon.url('/ca'))).text();
    const before = connections;
    await (await fetch(daemon.url('/ca'))).text();
    expect(connections).toBe(before);
    await (await fetch(daemon.url('/named'))).text();
    await (await fetch(daemon.url('/ca'))).text();
    expect(connections - before).toBeLessThanOrEqual(1);
  });

  it('gets the client certificate that it asks for', async () => {
    expect(await (await fetch(daemon.url('/identified'))).text()).toBe('prox');
  });

  it('that misses one is a 502', async () => {
    expect((await fetch(daemon.url('/unidentified'))).status).toBe(502);
  });

  it('is a 502 for those who speak without TLS', async () => {
    expect((await fetch(daemon.url('/plain-to-tls'))).status).toBe(502);
  });
});
