import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DaemonOptions, TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { accepts } from '../testing/ports.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HOLD = 'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n';

let upstream: TestUpstream;
let daemon: TestDaemon;
const clients: RawClient[] = [];

beforeEach(async () => {
  upstream = await TestUpstream.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await daemon.stop();
  await upstream.stop();
});

async function start(limits: object = {}, options: DaemonOptions = {}, logging: object = {}): Promise<void> {
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  daemon = await TestDaemon.start(webConfig(routes, { config: limits }, { logging }), options);
}

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(daemon.port());
  clients.push(made);
  return made;
}

describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', (signal) => {
  it('a daemon that does nothing ends at once, with 0', async () => {
    await start();
    daemon.signal(signal);
    expect(await daemon.end()).toBe(0);
    expect(daemon.log.at(-1)?.msg).toBe('stopped');
  });

  it('nothing new is accepted, idle connections end, and what is in flight finishes', async () => {
    await start();
    const port = daemon.port();
    const [busy, idle, silent] = [await client(), await client(), await client()];
    await idle.send(GET).sees('ok');
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal(signal);
    await idle.toEnd();
    expect(await silent.toEnd()).toBe('');
    await eventually('the listener to close', async () => !(await accepts(port)));
    expect(busy.ended).toBe(false);
    upstream.release('the end');
    expect(await busy.toEnd()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*Connection: close[\s\S]*the end$/);
    expect(await daemon.end()).toBe(0);
  });
});

describe('a daemon that stops', () => {
  it('reads a request to its end that it has begun to read', async () => {
    await start();
    const slow = await client();
    slow.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhal');
    await eventually('the request at the upstream', () => upstream.requests.length > 0);
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    slow.send('ves');
    expect(await slow.toEnd()).toMatch(/200 OK[\s\S]*ok$/);
    expect(await daemon.end()).toBe(0);
  });

  it('cuts what is left at shutdown_timeout, says how much, and still exits 0', async () => {
    await start({ shutdown_timeout: '300ms' });
    const [one, two] = [await client(), await client()];
    one.send(HOLD);
    two.send(HOLD);
    await upstream.holds(2);
    const began = performance.now();
    daemon.signal('SIGTERM');
    expect(await one.toEnd()).toBe('');
    expect(await two.toEnd()).toBe('');
    expect(await daemon.end()).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(290);
    expect(daemon.log.find(({ level, connections }) => level === 'warn' && connections === 2)).toBeDefined();
  });

  it.each([0, 2])('waits with a shutdown_timeout that no timer holds, with %d workers', async (workers) => {
    await start({ shutdown_timeout: '600h' }, { workers });
    const [busy, idle] = [await client(), await client()];
    await idle.send(GET).sees('ok');
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGTERM');
    await idle.toEnd();
    upstream.release('the end');
    expect(await busy.toEnd()).toMatch(/the end$/);
    expect(await daemon.end()).toBe(0);
    expect(daemon.log.some(({ msg }) => msg === 'connections were cut at shutdown_timeout')).toBe(false);
  });

  it('exits at once, and not with 0, on a second signal', async () => {
    await start();
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    daemon.signal('SIGINT');
    expect(await daemon.end()).toBe(1);
    expect(await busy.toEnd()).toBe('');
  });

  it('takes a signal that comes twice at once for one, as from a terminal and from npm', async () => {
    await start();
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGINT');
    daemon.signal('SIGINT');
    await daemon.logged(({ msg }) => msg === 'stopping');
    daemon.signal('SIGINT');
    await eventually('the listener to close', async () => !(await accepts(daemon.port())));
    upstream.release('the end');
    expect(await busy.toEnd()).toMatch(/the end$/);
    expect(await daemon.end()).toBe(0);
  });

  it('exits at once when the same signal is sent again later', async () => {
    await start();
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    let ended = false;
    void daemon.exited.then(() => (ended = true));
    const began = performance.now();
    await eventually('prox to end', () => {
      if (!ended) daemon.signal('SIGINT');
      return ended;
    });
    expect(performance.now() - began).toBeGreaterThan(500);
    expect(await daemon.end()).toBe(1);
  });

  it('cuts a tunnel that goes on at shutdown_timeout', async () => {
    let upstreamEnd: string | undefined = 'none';
    upstream.http.on('upgrade', (_, socket) => {
      // A tunnel that is cut is no tunnel that ended: the upstream is told by a reset.
      socket.on('error', (error: NodeJS.ErrnoException) => (upstreamEnd = error.code));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    await start({ shutdown_timeout: '300ms' });
    const tunnel = await client();
    tunnel.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    await tunnel.sees('101 Switching');
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    await tunnel.send('still here').sees('still here');
    await tunnel.toEnd();
    expect(await daemon.end()).toBe(0);
    await eventually('the reset to reach the upstream', () => upstreamEnd === 'ECONNRESET');
  });

  it('takes no reload any more', async () => {
    await start();
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    await daemon.writeConfig(webConfig([{ action: { type: 'drop' } }]));
    daemon.signal('SIGHUP');
    upstream.release();
    await busy.toEnd();
    expect(await daemon.end()).toBe(0);
    expect(daemon.log.filter(({ msg, level }) => msg === 'config reloaded' || level === 'error')).toEqual([]);
  });

  it('is not held up by a reload that is under way', async () => {
    await start();
    const port = daemon.port();
    const routes = Array.from({ length: 5000 }, (_, i) => ({
      match: { domain: `host-${i}.example.com` },
      action: { type: 'static', status: 200 },
    }));
    await daemon.writeConfig(webConfig(routes));
    daemon.signal('SIGHUP');
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    expect(await accepts(port)).toBe(false);
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('loses no answer of a load that is under way', async () => {
    await start();
    const load = new Load(daemon.port(), { clients: 16, mode: 'keep-alive' });
    await eventually('some answers', () => load.answered > 200);
    const before = upstream.requests.length;
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    await load.stop();
    expect(before).toBeGreaterThan(0);
    // Connections that are closed between two requests are no loss; each request that reached the upstream is answered.
    expect(load.answered).toBe(upstream.requests.length);
  });
});
