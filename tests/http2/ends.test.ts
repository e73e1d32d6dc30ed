import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webConfig } from '../testing/daemon.ts';
import { FrameClient, GET, request } from '../testing/frame-client.ts';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { number, Setting, Type } from '../testing/http2-frames.ts';
import { openSockets, socketsBackTo } from '../testing/health.ts';
import { head, Proxied, response } from '../testing/proxied.ts';

let proxied: Proxied;
const clients: { destroy(): void }[] = [];

async function start(limits: Record<string, unknown>, options: Record<string, unknown> = {}): Promise<void> {
  proxied = await Proxied.start({
    limits,
    args: ['-log-level=debug'],
    routes: [
      { match: { path: '/big' }, action: { type: 'static', status: 200, body_ref: { text: 'x'.repeat(3_000_000) } } },
    ],
    ...options,
  });
}

async function frames(settings: Record<number, number> = {}): Promise<FrameClient> {
  const client = await FrameClient.connect(proxied.daemon.port(), settings);
  clients.push(client);
  return client;
}

async function h2(): Promise<H2Client> {
  const client = await H2Client.connect(proxied.daemon.url());
  clients.push(client);
  return client;
}

/** Waits until the daemon has logged a failure with that code. */
function failed(code: string): Promise<unknown> {
  return proxied.daemon.logged((line) => (line['error'] as { code?: string } | undefined)?.code === code);
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxied.stop();
});

describe('a client that is too slow', () => {
  it('to begin is closed after header_timeout', async () => {
    await start({ header_timeout: 0.2 });
    const client = await FrameClient.raw(proxied.daemon.port(), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await client.goneWith();
    expect(client.closed).toBe(true);
  });

  it('to open a stream is told to go after idle_timeout, and closed', async () => {
    await start({ idle_timeout: 0.2 });
    const client = await frames();
    client.headers(1, request('GET', '/big'));
    client.window(0, 10_000_000).window(1, 10_000_000);
    await client.outcome(1);
    expect(await client.goneWith()).toBe(0);
  });

  it('with its content is answered 408 after stall_timeout, and other streams go on', async () => {
    await start({ stall_timeout: 0.4 });
    proxied.upstream.onConnection(() => {});
    const client = await h2();
    const stream = client.open({ ':method': 'POST', ':path': '/' });
    stream.write('some');
    expect((await answerOf(stream)).status).toBe(408);
    proxied.upstream.serve(response('ok'));
    expect((await client.get('/')).status).toBe(200);
    await failed('client_stalled');
  });

  it('to open its window is reset after stall_timeout, and other streams go on', async () => {
    await start({ stall_timeout: 0.4 });
    const client = await frames({ [Setting.windowSize]: 100 });
    client.headers(1, request('GET', '/big'));
    expect(await client.outcome(1)).toBe('reset 2');
    proxied.upstream.serve(response('ok'));
    expect(await client.headers(3, GET).outcome(3)).toBe('status 200');
  });

  it('but moves is not cut', async () => {
    await start({ stall_timeout: 0.5 });
    const client = await frames({ [Setting.windowSize]: 0 });
    client.headers(1, request('GET', '/big'));
    const began = Date.now();
    for (let i = 0; Date.now() - began < 1500; i++) {
      client.window(1, 70_000).window(0, 70_000);
      const before = i * 70_000;
      await client.until(() => client.body(1).length > before || client.of(Type.rstStream).length > 0, 'some bytes');
      await delay(200);
    }
    expect(client.of(Type.rstStream)).toEqual([]);
  });

  it('with its request as a whole is answered 408 after read_timeout', async () => {
    await start({ read_timeout: 0.3 });
    proxied.upstream.onConnection(() => {});
    const stream = (await h2()).open({ ':method': 'POST', ':path': '/' });
    const timer = setInterval(() => stream.write('x'), 50);
    expect((await answerOf(stream)).status).toBe(408);
    clearInterval(timer);
  });

  it('with the response as a whole is reset after write_timeout', async () => {
    await start({ write_timeout: 0.3 });
    proxied.upstream.serve(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
    const client = await frames();
    expect(await client.headers(1, GET).outcome(1)).toBe('reset 2');
    await failed('response_timeout');
  });

  it('to answer a PING is closed, and its requests are cut', async () => {
    await start({ h2_read_idle_timeout: 0.2, h2_ping_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    const client = await frames();
    client.headers(1, GET);
    const [{ peer }] = await proxied.upstream.received(1);
    await client.until(() => client.of(Type.ping).length > 0, 'a PING');
    await client.goneWith();
    await peer.until(() => peer.ended || peer.closed, 'the upstream request to be cut');
  });

  it('to take what it was sent is not pinged to death', async () => {
    await start({ h2_read_idle_timeout: 0.2, h2_ping_timeout: 0.2 });
    const client = await frames({ [Setting.windowSize]: 100_000_000 });
    client.socket.pause();
    client.window(0, 100_000_000);
    const ids = Array.from({ length: 20 }, (_, i) => 2 * i + 1);
    for (const id of ids) client.headers(id, request('GET', '/big'));
    // Ten times as long as it takes to be given up.
    await delay(1500);
    client.socket.resume();
    for (const id of ids) expect(await client.outcome(id)).toBe('status 200');
  });

  it('but answers PING stays', async () => {
    await start({ h2_read_idle_timeout: 0.1, h2_ping_timeout: 0.1 });
    proxied.upstream.serve(() => null);
    const client = await h2();
    const answer = client.get('/');
    const [{ peer }] = await proxied.upstream.received(1);
    for (let i = 0; i < 3; i++) await once(client.session, 'ping');
    peer.send(response('late'));
    expect(await answer).toMatchObject({ status: 200, body: 'late' });
  });
});

describe('an upstream that is too slow', () => {
  it('is given up with 504', async () => {
    await start({ response_header_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    expect((await (await h2()).get('/')).status).toBe(504);
  });
});

describe('a drain', () => {
  beforeEach(() => start({ shutdown_timeout: 10 }));

  it('lets streams finish that are under way, and names the last', async () => {
    proxied.upstream.serve(() => null);
    const client = await frames();
    client.headers(1, GET).headers(3, GET);
    await proxied.upstream.received(2);
    proxied.daemon.signal('SIGTERM');
    await client.until(() => client.of(Type.goaway).length > 0, 'a GOAWAY');
    expect(number(client.of(Type.goaway)[0].payload, 0, 4)).toBe(3);
    client.headers(5, GET);
    for (const { peer } of proxied.upstream.requests) peer.send(response('late'));
    expect(await client.outcome(1)).toBe('status 200');
    expect(await client.outcome(3)).toBe('status 200');
    expect(await client.goneWith()).toBe(0);
    expect(proxied.upstream.requests.length).toBe(2);
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('answers the first requests of a connection that was just opened', async () => {
    proxied.upstream.serve(response('first'));
    const client = await frames();
    proxied.daemon.signal('SIGTERM');
    await proxied.daemon.logged(({ msg }) => msg.startsWith('stopping'));
    client.headers(1, GET).headers(3, GET);
    expect(await client.outcome(1)).toBe('status 200');
    expect(await client.outcome(3)).toBe('status 200');
    expect(await client.goneWith()).toBe(0);
    expect(number(client.of(Type.goaway)[0].payload, 0, 4)).toBe(3);
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('answers the first request of a connection that says by and by that it is HTTP/2', async () => {
    proxied.upstream.serve(response('first'));
    const client = await FrameClient.raw(proxied.daemon.port(), 'PRI');
    clients.push(client);
    proxied.daemon.signal('SIGTERM');
    await proxied.daemon.logged(({ msg }) => msg.startsWith('stopping'));
    client.socket.write(' * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.send(Type.settings, 0, 0).headers(1, GET);
    expect(await client.outcome(1)).toBe('status 200');
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('ends connections without streams', async () => {
    const client = await h2();
    proxied.daemon.signal('SIGTERM');
    await client.gone();
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('ends a connection that answers nothing', async () => {
    const client = await frames();
    client.socket.pause();
    proxied.daemon.signal('SIGTERM');
    expect(await proxied.daemon.end()).toBe(0);
  });
});

describe('shutdown_timeout', () => {
  it('cuts what is left', async () => {
    await start({ shutdown_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    const answer = (await h2()).get('/');
    await proxied.upstream.received(1);
    proxied.daemon.signal('SIGTERM');
    expect((await answer).status).toBe(0);
    expect(await proxied.daemon.end()).toBe(0);
  });
});

describe('a reload', () => {
  it('is in force for the next stream of an open connection, and the last one ends as it began', async () => {
    await start({});
    proxied.upstream.serve(() => null);
    const client = await h2();
    const answer = client.get('/');
    const [{ peer }] = await proxied.upstream.received(1);
    const action = { type: 'static', status: 200, body_ref: { text: 'new' } };
    expect(await proxied.daemon.reload(webConfig([{ action }]))).toBe(true);
    expect((await client.get('/')).body).toBe('new');
    peer.send(response('old'));
    expect((await answer).body).toBe('old');
  });
});

describe('streams and connections that are over', () => {
  it('leave no descriptor behind', async () => {
    await start({});
    const sockets = await openSockets(proxied.daemon);
    for (let i = 0; i < 20; i++) {
      const client = await frames();
      client.headers(1, request('GET', '/big'));
      await client.until(() => client.of(Type.headers).length > 0, 'a head');
      if (i % 2 === 0) client.socket.end();
      else client.destroy();
    }
    await socketsBackTo(proxied.daemon, sockets);
  });

  it('are forgotten after a thousand resets', async () => {
    await start({});
    proxied.upstream.serve(() => null);
    const sockets = await openSockets(proxied.daemon);
    for (let round = 0; round < 10; round++) {
      const client = await h2();
      const streams = Array.from({ length: 100 }, () => client.open({ ':path': '/' }, true));
      await proxied.upstream.received((round + 1) * 100);
      for (const stream of streams) stream.close(8);
      client.session.close();
      await client.gone();
    }
    await socketsBackTo(proxied.daemon, sockets);
    expect(await openSockets(proxied.daemon)).toBeLessThanOrEqual(sockets);
  });
});
