import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { TestDnsServer } from '../testing/dns-server.ts';
import { stopHealthy } from '../testing/health.ts';
import { eventually } from '../testing/wait.ts';

/** What a machine that is busy with other tests may add to any time. */
const SLACK_MS = 4000;

/** How long requests for a dead name come. */
const DEAD_MS = 3000;

let dns: TestDnsServer;
let port: number;
/** Servers on the same port of 127.0.0.1 and 127.0.0.2, which answer with their address. */
let servers: Server[];
let daemon: TestDaemon | null;
/** Otherwise each request dials. */
let keepsAlive: boolean;

async function listen(address: string, on: number): Promise<Server> {
  const server = createServer((_, response) => {
    if (!keepsAlive) response.setHeader('Connection', 'close');
    response.end(address);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(on, address);
  await once(server, 'listening');
  return server;
}

beforeEach(async () => {
  daemon = null;
  keepsAlive = false;
  dns = await TestDnsServer.start();
  const first = await listen('127.0.0.1', 0);
  port = (first.address() as AddressInfo).port;
  servers = [first, await listen('127.0.0.2', port)];
});
afterEach(async () => {
  if (daemon !== null) await stopHealthy(daemon);
  for (const server of servers) server.close().closeAllConnections();
  await dns.stop();
});

/** Starts a daemon that proxies `/NAME` to the name, at the port of the servers. */
async function serve(names: readonly string[], config: Record<string, unknown> = {}, rest = {}): Promise<TestDaemon> {
  const routes = names.map((name) => ({
    match: { path: `/${name}` },
    action: { type: 'proxy', upstream: `http://${name}:${port}` },
  }));
  daemon = await TestDaemon.start(
    webConfig(routes, { config }, { resolver: { servers: [dns.address], timeout: '500ms', ...rest } }),
  );
  return daemon;
}

/** @returns status and body */
async function get(name: string): Promise<string> {
  const answer = await fetch((daemon as TestDaemon).url(`/${name}`), { headers: { 'X-Client': name } });
  return `${answer.status} ${await answer.text()}`;
}

describe('a name that no DNS server answers for', () => {
  it('keeps no other name waiting, nor localhost', async () => {
    dns.silence('dead.test');
    dns.set('live.test', ['127.0.0.1'], 1);
    await serve(['dead.test', 'live.test', 'localhost', 'app.localhost'], { dial_timeout: '2s' });
    const dead: Promise<string>[] = [];
    for (const end = performance.now() + DEAD_MS; performance.now() < end;) {
      dead.push(get('dead.test'));
      // Without look-ups of their own they would end as the dead name does.
      for (const name of ['live.test', 'localhost', 'app.localhost']) expect(await get(name)).toBe('200 127.0.0.1');
      await delay(100);
    }
    for (const answer of await Promise.all(dead)) expect(answer).toMatch(/^502 .*\((dial_failed|dial_timeout)\)\n$/);
    // One look-up at a time, whatever the number of requests: 500 ms for an attempt, two of them, and a pause.
    expect(dns.asked('dead.test')).toBeLessThan(15);
  });

  it('fails with a message that says so', async () => {
    dns.silence('dead.test');
    const running = await serve(['dead.test'], { dial_timeout: '300ms' });
    expect(await get('dead.test')).toBe('502 502 Bad Gateway (dial_timeout)\n');
    const line = await running.logged(({ error }) => (error as { code?: string })?.code === 'dial_timeout');
    expect((line['error'] as { message: string }).message).toBe(
      `dead.test:${port}: no answer of the DNS within 300 ms`,
    );
    await eventually('a failed look-up', async () => (await get('dead.test')).includes('dial_failed'));
  });
});

describe('an answer', () => {
  it('is kept for its TTL, and then new connections follow it; idle ones to the old address are closed', async () => {
    keepsAlive = true;
    dns.set('moving.test', ['127.0.0.1'], 1);
    await serve(['moving.test']);
    const closed = new Promise<void>((resolve) => {
      servers[0].on('connection', (socket) => socket.once('close', () => resolve()));
    });
    for (let i = 0; i < 5; i++) expect(await get('moving.test')).toBe('200 127.0.0.1');
    expect(dns.asked('moving.test')).toBe(1);
    dns.set('moving.test', ['127.0.0.2'], 1);
    // No request asks for it: the pool notices by itself.
    await closed;
    expect(await get('moving.test')).toBe('200 127.0.0.2');
  });

  it('is followed by new connections within its TTL', async () => {
    dns.set('moving.test', ['127.0.0.1'], 1);
    await serve(['moving.test']);
    expect(await get('moving.test')).toBe('200 127.0.0.1');
    dns.set('moving.test', ['127.0.0.2'], 1);
    const from = performance.now();
    await eventually('the new address', async () => (await get('moving.test')) === '200 127.0.0.2');
    expect(performance.now() - from).toBeLessThan(1000 + SLACK_MS);
  });

  it('that there is no such name is kept briefly', async () => {
    await serve(['missing.test']);
    for (let i = 0; i < 10; i++) expect(await get('missing.test')).toBe('502 502 Bad Gateway (dial_failed)\n');
    expect(dns.asked('missing.test')).toBe(1);
    dns.set('missing.test', ['127.0.0.1'], 60);
    await eventually('the name', async () => (await get('missing.test')) === '200 127.0.0.1');
  });

  it('stays in use while the servers are silent or fail', async () => {
    dns.set('stale.test', ['127.0.0.1'], 1);
    dns.set('failing.test', ['127.0.0.1'], 1);
    await serve(['stale.test', 'failing.test']);
    for (const name of ['stale.test', 'failing.test']) expect(await get(name)).toBe('200 127.0.0.1');
    dns.silence('stale.test');
    dns.refuse('failing.test', 'servfail');
    const before = dns.asked('stale.test');
    await eventually('a question that is not answered', async () => {
      for (const name of ['stale.test', 'failing.test']) expect(await get(name)).toBe('200 127.0.0.1');
      return dns.asked('stale.test') > before;
    });
    dns.set('stale.test', ['127.0.0.2'], 1);
    await eventually('the new address', async () => (await get('stale.test')) === '200 127.0.0.2');
  });

  it('with several addresses has all of them tried, and dials in turn', async () => {
    dns.set('several.test', ['127.0.0.1', '127.0.0.2', '127.0.0.9', '::1'], 60);
    await serve(['several.test']);
    const seen = new Set<string>();
    for (let i = 0; i < 8; i++) seen.add(await get('several.test'));
    expect([...seen].toSorted()).toEqual(['200 127.0.0.1', '200 127.0.0.2']);
  });
});

describe('resolver', () => {
  it('reads the hosts file, and again when it changes', async () => {
    const running = await serve(['one.test', 'two.test'], {}, { hosts: 'hosts' });
    expect(await get('one.test')).toMatch('dial_failed');
    await writeFile(join(running.folder, 'hosts'), '127.0.0.1 one.test # a comment\n127.0.0.2 Two.Test two\n');
    await eventually('the name of the file', async () => (await get('one.test')) === '200 127.0.0.1');
    expect(await get('two.test')).toBe('200 127.0.0.2');
    await writeFile(join(running.folder, 'hosts'), '127.0.0.2 one.test\n');
    await eventually('the new address', async () => (await get('one.test')) === '200 127.0.0.2');
  });

  it('may be the system, whose hosts file knows localhost', async () => {
    const routes = [{ action: { type: 'proxy', upstream: `localhost:${port}` } }];
    daemon = await TestDaemon.start(webConfig(routes, {}, { resolver: 'system' }));
    expect(await get('')).toBe('200 127.0.0.1');
  });

  it('follows a reload with other servers', async () => {
    const other = await TestDnsServer.start();
    dns.set('name.test', ['127.0.0.1'], 60);
    other.set('name.test', ['127.0.0.2'], 60);
    const running = await serve(['name.test']);
    expect(await get('name.test')).toBe('200 127.0.0.1');
    const routes = [{ action: { type: 'proxy', upstream: `http://name.test:${port}` } }];
    expect(await running.reload(webConfig(routes, {}, { resolver: { servers: [other.address] } }))).toBe(true);
    expect(await get('name.test')).toBe('200 127.0.0.2');
    await other.stop();
  });

  it('goes on to the next server when one is silent, and stays with it', async () => {
    const dead = await TestDnsServer.start();
    for (const name of ['a.test', 'b.test', 'c.test']) {
      dead.silence(name);
      dns.set(name, ['127.0.0.1'], 60);
    }
    await serve(['a.test', 'b.test', 'c.test'], {}, { servers: [dead.address, dns.address] });
    expect(await get('a.test')).toBe('200 127.0.0.1');
    for (const name of ['b.test', 'c.test']) expect(await get(name)).toBe('200 127.0.0.1');
    expect([dead.asked('a.test') > 0, dead.asked('b.test'), dead.asked('c.test')]).toEqual([true, 0, 0]);
    await dead.stop();
  });
});
