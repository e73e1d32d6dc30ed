import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { freePort } from '../testing/ports.ts';
import { head, response } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

describe('an upstream address', () => {
  let sixth: Server;
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    sixth = createServer((request, answer) => answer.end(`6 ${request.headers.host}`)).listen(0, '::1');
    await once(sixth, 'listening');
    upstream = await RawUpstream.start();
    upstream.serve(response('ok'));
    const route = (path: string, to: string): unknown => ({ match: { path }, action: { type: 'proxy', upstream: to } });
    daemon = await TestDaemon.start(
      webConfig([
        route('/v6', `http://[::1]:${(sixth.address() as AddressInfo).port}`),
        route('/name', `localhost:${upstream.port}`),
        route('/upper', `HTTP://127.0.0.1:${upstream.port}/Base/`),
        route('/dead', `127.0.0.1:${await freePort()}`),
        route('/nosocket', 'unix:///nonexistent/prox.sock'),
      ]),
    );
  });
  afterAll(async () => {
    sixth.close().closeAllConnections();
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('may be IPv6', async () => {
    const { port } = sixth.address() as AddressInfo;
    expect(await (await fetch(daemon.url('/v6'))).text()).toBe(`6 [::1]:${port}`);
  });

  it('may be a name, which is the Host', async () => {
    expect(await (await fetch(daemon.url('/name'))).text()).toBe('ok');
    expect(upstream.requests.at(-1)?.head).toContain(`\r\nHost: localhost:${upstream.port}\r\n`);
  });

  it('may have its scheme in any case, and a path that ends with a slash', async () => {
    expect(await (await fetch(daemon.url('/upper'))).text()).toBe('ok');
    expect(upstream.requests.at(-1)?.head).toMatch(/^GET \/Base\/upper HTTP\/1\.1\r\n/);
  });

  it.each(['/dead', '/nosocket'])('where no server listens is a 502, with and without a body: %s', async (path) => {
    for (const body of [null, 'x'.repeat(100_000)]) {
      const answer = await fetch(daemon.url(path), body === null ? {} : { method: 'POST', body });
      expect([answer.status, await answer.text()]).toEqual([502, '502 Bad Gateway (dial_failed)\n']);
    }
  });
});

/** Connections of this machine to a port of the loopback interface that wait for an answer to their SYN. */
async function dialsTo(port: number): Promise<number> {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter(([, , address, state]) => address === remote && state === '02').length;
}

describe('an upstream that does not accept', () => {
  let full: ChildProcess;
  let queued: Socket[];
  let fullPort: number;
  let live: TestUpstream;
  beforeAll(async () => {
    // A process that is stopped accepts nothing; once its queue is full, the kernel answers no SYN any more.
    const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      console.log(this.address().port); })`;
    full = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    fullPort = Number((await once(full.stdout as NodeJS.ReadableStream, 'data'))[0]);
    full.kill('SIGSTOP');
    let connected = 0;
    queued = Array.from({ length: 8 }, () => connect({ port: fullPort, host: '127.0.0.1' }, () => connected++));
    await eventually('a full queue', () => connected >= 2);
    live = await TestUpstream.start();
  });
  afterAll(async () => {
    for (const socket of queued) socket.destroy();
    full.kill('SIGKILL');
    await live.stop();
  });

  it.each([
    ['dial_timeout', {}, { dial_timeout: '300ms' }],
    ['the timeout of the action', { timeout: '300ms' }, {}],
  ])('is given up after %s', async (_, action, config) => {
    const routes = [{ action: { type: 'proxy', upstream: `127.0.0.1:${fullPort}`, ...action } }];
    const daemon = await TestDaemon.start(webConfig(routes, { config }));
    const started = performance.now();
    const answer = await fetch(daemon.url());
    expect([answer.status, await answer.text()]).toEqual([502, '502 Bad Gateway (dial_timeout)\n']);
    expect(performance.now() - started).toBeGreaterThan(280);
    await stopHealthy(daemon);
  });

  it('is not dialed on for a client that has gone', async () => {
    const action = { type: 'proxy', upstream: `127.0.0.1:${fullPort}`, timeout: '1h' };
    const daemon = await TestDaemon.start(webConfig([{ action }]));
    const before = await dialsTo(fullPort);
    const client = await RawClient.connect(daemon.port());
    client.send(head('GET / HTTP/1.1', 'Host: a.test'));
    await eventually('the dial', async () => (await dialsTo(fullPort)) > before);
    client.socket.resetAndDestroy();
    await eventually('the end of the dial', async () => (await dialsTo(fullPort)) === before);
    expect(await dialsTo(fullPort)).toBe(before);
    await stopHealthy(daemon);
  });

  it('leaves no trace in the counts of leastconn', async () => {
    const targets = [`127.0.0.1:${fullPort}`, live.address];
    const routes = [
      {
        balancer: { type: 'leastconn', targets },
        action: { type: 'proxy', upstream: 'http://{target}', timeout: '500ms' },
      },
    ];
    const daemon = await TestDaemon.start(webConfig(routes));
    const before = live.requests.length;
    for (let i = 0; i < 4; i++) expect((await fetch(daemon.url())).status).toBe(200);
    expect(live.requests.length - before).toBe(4);
    // Were the dead target still counted as busy, it would not be tried again.
    const tried = (): number =>
      daemon.log.filter((line) => (line['error'] as { code?: string })?.code === 'dial_timeout').length;
    await eventually('two dials in the log', () => tried() >= 2);
    expect(tried()).toBeGreaterThanOrEqual(2);
    await stopHealthy(daemon);
  });
});

describe('Max-Forwards', () => {
  it('is spent once, also when a fallback is another proxy, or the connection a second one', async () => {
    const upstream = await RawUpstream.start();
    upstream.serve(response('ok'));
    const dead = { type: 'proxy', upstream: `127.0.0.1:${await freePort()}`, fallback: 'live' };
    const live = { type: 'proxy', upstream: upstream.authority };
    const daemon = await TestDaemon.start(webConfig([{ action: dead }], {}, { actions: { live } }));
    for (const [method, sent, expected] of [
      ['OPTIONS', '1', '0'],
      ['TRACE', '9', '8'],
      ['GET', '4', '4'],
    ]) {
      const request = head(`${method} / HTTP/1.1`, 'Host: a.test', `Max-Forwards: ${sent}`, 'Connection: close');
      expect(await exchangeRaw(daemon.port(), request)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(upstream.requests.at(-1)?.head).toContain(`\r\nMax-Forwards: ${expected}\r\n`);
    }
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('of 0 in a TRACE is a 405 that names what is answered', async () => {
    const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: '127.0.0.1:9' } }]));
    const received = await exchangeRaw(
      daemon.port(),
      head('TRACE / HTTP/1.1', 'Host: a.test', 'Max-Forwards: 0', 'Connection: close'),
    );
    expect(received).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(received).toContain('\r\nAllow: OPTIONS\r\n');
    await stopHealthy(daemon);
  });
});
