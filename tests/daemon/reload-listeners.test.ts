import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon } from '../testing/daemon.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { run } from '../testing/run-prox.ts';
import { TestUpstream } from '../testing/upstream.ts';

const answer = (text: string): unknown => ({ type: 'static', status: 200, body_ref: { text } });
const service = (listen: string, text: string, rest: object = {}): unknown => ({
  listen,
  routes: [{ action: answer(text) }],
  ...rest,
});

let daemon: TestDaemon;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(config: unknown): Promise<void> {
  daemon = await TestDaemon.start(config);
  closers.push(() => daemon.stop());
}

async function get(port: number, host = '127.0.0.1'): Promise<string> {
  const client = await RawClient.connect(port, host);
  const received = await client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n').toEnd();
  client.destroy();
  return received.slice(received.indexOf('\r\n\r\n') + 4);
}

describe('listeners on a reload', () => {
  it('open and close as services come and go, and tell so', async () => {
    const [one, two] = [await freePort(), await freePort()];
    await start({ services: { one: service(`127.0.0.1:${one}`, 'one') } });
    expect(await accepts(two)).toBe(false);

    await daemon.reload({
      services: { one: service(`127.0.0.1:${one}`, 'one'), two: service(`127.0.0.1:${two}`, 'two') },
    });
    expect([await get(one), await get(two)]).toEqual(['one', 'two']);
    await daemon.logged(({ msg, port }) => msg === 'listening' && port === two);

    await daemon.reload({ services: { two: service(`127.0.0.1:${two}`, 'two') } });
    expect(await accepts(one)).toBe(false);
    expect(await get(two)).toBe('two');
    await daemon.logged(({ msg, service: name }) => msg === 'no longer listening' && name === 'one');
  });

  it('move to another address; what is in flight on the old one finishes there', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const [before, after] = [await freePort(), await freePort()];
    const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
    await start({ services: { web: { listen: `127.0.0.1:${before}`, routes } } });
    const busy = await RawClient.connect(before);
    const idle = await RawClient.connect(before);
    idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.sees('ok');
    busy.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n');
    await upstream.holds(1);

    expect(await daemon.reload({ services: { web: { listen: `127.0.0.1:${after}`, routes } } })).toBe(true);
    expect(await accepts(before)).toBe(false);
    expect(await accepts(after)).toBe(true);
    // This one has no request in flight, so it ends, and ends in order.
    await idle.toEnd();
    expect(busy.ended).toBe(false);
    upstream.release();
    expect(await busy.toEnd()).toMatch(/Connection: close[\s\S]*released$/);
  });

  it('are cut after shutdown_timeout when what is in flight does not end', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const [before, after] = [await freePort(), await freePort()];
    const rest = {
      routes: [{ action: { type: 'proxy', upstream: upstream.address } }],
      config: { shutdown_timeout: 0.2 },
    };
    await start({ services: { web: { listen: `127.0.0.1:${before}`, ...rest } } });
    const busy = await RawClient.connect(before);
    busy.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n');
    await upstream.holds(1);
    await daemon.reload({ services: { web: { listen: `127.0.0.1:${after}`, ...rest } } });
    expect(await busy.toEnd()).toBe('');
  });

  it('stay open when only the name of the service changes', async () => {
    const port = await freePort();
    await start({ services: { one: service(`127.0.0.1:${port}`, 'one') } });
    const client = await RawClient.connect(port);
    closers.push(async () => client.destroy());
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.sees('one');
    await daemon.reload({ services: { two: service(`127.0.0.1:${port}`, 'two') } });
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.sees('two');
    expect(daemon.log.filter(({ msg }) => msg === 'listening')).toHaveLength(1);
  });

  it('swap their services when the config does', async () => {
    const [a, b] = [await freePort(), await freePort()];
    await start({ services: { one: service(`127.0.0.1:${a}`, 'one'), two: service(`127.0.0.1:${b}`, 'two') } });
    await daemon.reload({ services: { one: service(`127.0.0.1:${b}`, 'one'), two: service(`127.0.0.1:${a}`, 'two') } });
    expect([await get(a), await get(b)]).toEqual(['two', 'one']);
  });

  it.each([
    ['wider', '127.0.0.1:', ':'],
    ['narrower', ':', '127.0.0.1:'],
    ['all of v4 only', ':', '0.0.0.0:'],
  ])('become %s on the same port', async (_, before, after) => {
    const port = await freePort();
    await start({ services: { web: service(`${before}${port}`, 'before') } });
    expect(await daemon.reload({ services: { web: service(`${after}${port}`, 'after') } })).toBe(true);
    expect(await get(port)).toBe('after');
    expect(await accepts(port, '::1')).toBe(after === ':');
  });

  it('stay as they were, all of them, when one new address is taken', async () => {
    const taken = createServer();
    const [port, free, used] = [await freePort(), await freePort(), await freePort()];
    await new Promise<void>((resolve) => taken.listen(used, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => taken.close(resolve)));
    await start({ services: { web: service(`127.0.0.1:${port}`, 'before') } });
    const from = daemon.log.length;
    const broken = {
      services: {
        free: service(`127.0.0.1:${free}`, 'free'),
        web: service(`:${port}`, 'after'),
        used: service(`127.0.0.1:${used}`, 'used'),
      },
    };
    expect(await daemon.reload(broken)).toBe(false);
    await daemon.logged(({ msg }) => msg.includes(`cannot listen on 127.0.0.1:${used}`), from);
    expect(await accepts(free)).toBe(false);
    expect(await get(port)).toBe('before');
  });

  it('bind the old address again when a wider one is taken elsewhere', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.2', resolve));
    closers.push(() => new Promise((resolve) => other.close(resolve)));
    await start({ services: { web: service(`127.0.0.1:${port}`, 'before') } });
    const kept = await RawClient.connect(port);
    closers.push(async () => kept.destroy());
    expect(await daemon.reload({ services: { web: service(`0.0.0.0:${port}`, 'after') } })).toBe(false);
    await daemon.logged(({ msg }) => msg.includes(`cannot listen on 0.0.0.0:${port}`));
    expect(await get(port)).toBe('before');
    await kept.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').sees('before');
  });

  it('work on unix sockets too', async () => {
    const port = await freePort();
    await start({ services: { web: service(`127.0.0.1:${port}`, 'tcp') } });
    const path = join(daemon.folder, 'prox.sock');
    await daemon.reload({
      services: { web: service(`127.0.0.1:${port}`, 'tcp'), local: service(`unix://${path}`, 'unix') },
    });
    const { stdout } = await run('curl', ['-s', '--unix-socket', path, 'http://local/']);
    expect(stdout).toBe('unix');
    await daemon.reload({ services: { web: service(`127.0.0.1:${port}`, 'tcp') } });
    const gone = await run('curl', ['-s', '--unix-socket', path, 'http://local/']);
    expect(gone.code).toBe(7);
  });

  it('take over a new max_connections', async () => {
    await start({ services: { web: service('127.0.0.1:0', 'ok', { config: { max_connections: 1 } }) } });
    const first = await RawClient.connect(daemon.port());
    closers.push(async () => first.destroy());
    await first.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').sees('ok');
    await daemon.reload({ services: { web: service('127.0.0.1:0', 'ok', { config: { max_connections: 2 } }) } });
    expect(await exchangeRaw(daemon.port(), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
      '200 OK',
    );
  });
});

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const limited = (config: object, listen = '127.0.0.1:0'): unknown => ({
  services: { web: service(listen, 'ok', { config }) },
});

async function connected(count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await RawClient.connect(daemon.port()));
  closers.push(async () => clients.forEach((client) => client.destroy()));
  return clients;
}

/** Sends a request and waits for its answer, the `nth` on the connection. */
async function served(client: RawClient, nth = 1): Promise<void> {
  client.send(GET);
  await client.until(() => client.received.split('HTTP/1.1 200 OK').length > nth, `answer ${nth}`);
}

describe('max_connections on a reload', () => {
  it.each([
    ['2', 2],
    ['no limit', 0],
  ])('raised to %s serves those that wait', async (_, limit) => {
    await start(limited({ max_connections: 1 }));
    const [first, second] = await connected(2);
    await served(first);
    second.send(GET);
    await daemon.reload(limited({ max_connections: limit }));
    await second.sees('200 OK');
    await served(first, 2);
  });

  it('lowered serves no waiting connection until there is room', async () => {
    await start(limited({ max_connections: 2 }));
    const [first, second, third] = await connected(3);
    await served(first);
    await served(second);
    third.send(GET);
    await daemon.reload(limited({ max_connections: 1 }));
    first.destroy();
    await first.gone();
    for (let nth = 2; nth < 12; nth++) await served(second, nth);
    expect(third.received).toBe('');
    second.destroy();
    await third.sees('200 OK');
  });

  it('counts the connections that are open when an address is bound again', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.2', resolve));
    closers.push(() => new Promise((resolve) => other.close(resolve)));
    await start(limited({ max_connections: 1 }, `127.0.0.1:${port}`));
    const [first, waiting] = await connected(2);
    await served(first);
    waiting.send(GET);
    expect(await daemon.reload(limited({ max_connections: 1 }, `0.0.0.0:${port}`))).toBe(false);
    const [late] = await connected(1);
    late.send(GET);
    for (let nth = 2; nth < 12; nth++) await served(first, nth);
    expect(waiting.received + late.received).toBe('');
    first.destroy();
    await waiting.sees('200 OK');
    waiting.destroy();
    await late.sees('200 OK');
  });

  it('lets no connection wait for longer than stall_timeout', async () => {
    await start(limited({ max_connections: 1, stall_timeout: '300ms' }));
    const [first, second] = await connected(2);
    await served(first);
    second.send(GET);
    await second.toEnd();
    expect(second.received).toBe('');
    await served(first, 2);
  });
});

describe('keep_alive on a reload', () => {
  /** Seconds until the kernel probes the connection of a client, as it tells by its timer. */
  async function probeIn(client: RawClient): Promise<number> {
    const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
    const ends = ` 0100007F:${hex(daemon.port())} 0100007F:${hex(client.socket.localPort as number)} `;
    const row = (await readFile('/proc/net/tcp', 'utf8')).split('\n').find((line) => line.includes(ends));
    const [kind, ticks] = row?.trim().split(/\s+/)[5]?.split(':') ?? [];
    return kind === '02' ? Number.parseInt(ticks, 16) / 100 : 0;
  }

  it('holds for new connections', async () => {
    await start(limited({ keep_alive: '1000s' }));
    const [before] = await connected(1);
    await served(before);
    expect(await probeIn(before)).toBeGreaterThan(900);
    await daemon.reload(limited({ keep_alive: '100s' }));
    const [after] = await connected(1);
    await served(after);
    const seconds = await probeIn(after);
    expect([seconds > 0, seconds <= 100]).toEqual([true, true]);
  });
});
