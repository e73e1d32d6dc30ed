import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { Flag, frame, framesOf, PREFACE, settings, settingsAck, Type } from '../testing/http2-frames.ts';
import { Http2Upstream, type Http2UpstreamOptions } from '../testing/http2-upstream.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { eventually } from '../testing/wait.ts';

describe('the HTTP/2 sessions of an upstream', () => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  const daemonTo = async (authority: string, config: Record<string, unknown> = {}): Promise<TestDaemon> => {
    const action = { type: 'proxy', upstream: `http://${authority}`, proto: 'h2' };
    const daemon = await TestDaemon.start(webConfig([{ action }], { config }));
    stops.push(() => stopHealthy(daemon));
    return daemon;
  };
  const start = async (options: Http2UpstreamOptions = {}): Promise<Http2Upstream> => {
    const upstream = await Http2Upstream.start(options);
    stops.push(() => upstream.stop());
    return upstream;
  };
  const get = async (daemon: TestDaemon, path = '/'): Promise<string> => {
    const answer = await fetch(daemon.url(path));
    return `${answer.status} ${await answer.text()}`;
  };
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

  it('are one for a burst of requests, which wait for its dial', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority);
    const answers = await Promise.all(times(80, () => get(daemon)));
    expect(new Set(answers)).toEqual(new Set(['200 ok']));
    expect(upstream.sessions.length).toBe(1);
  });

  it('take as many streams as the upstream allows, and another session the rest', async () => {
    const upstream = await start({ settings: { maxConcurrentStreams: 4 } });
    const daemon = await daemonTo(upstream.authority);
    const held: (() => void)[] = [];
    upstream.handler = (stream) => {
      held.push(() => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    };
    const answers = times(10, () => get(daemon));
    await upstream.received(10);
    expect(upstream.sessions.length).toBe(3);
    for (const release of held) release();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['200 ok']));
    held.length = 0;
    const more = times(4, () => get(daemon));
    await upstream.received(14);
    for (const release of held) release();
    await Promise.all(more);
    expect(upstream.sessions.length).toBe(3);
  });

  it('lose no request when the upstream goes away under load, again and again', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority);
    let served = 0;
    upstream.handler = (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
      // As servers do that bound the requests of a connection.
      if (++served % 50 === 0) stream.session?.close();
    };
    const client = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (let i = 0; i < 60; i++) answers.push(await get(daemon));
      return answers;
    };
    const answers = (await Promise.all(times(10, client))).flat();
    expect(answers.filter((answer) => answer !== '200 ok')).toEqual([]);
    expect(upstream.sessions.length).toBeGreaterThan(5);
  });

  it('are closed when they are idle for idle_timeout', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority, { idle_timeout: '300ms' });
    await get(daemon);
    expect(upstream.sockets.size).toBe(1);
    await eventually('the session to close', () => upstream.sockets.size === 0);
    expect(await get(daemon)).toBe('200 ok');
  });

  it('are given up when a PING is not answered, and the request fails', async () => {
    const upstream = await RawUpstream.start();
    stops.push(() => upstream.stop());
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      peer.send(settings() + settingsAck());
    });
    const daemon = await daemonTo(upstream.authority, { h2_read_idle_timeout: '200ms', h2_ping_timeout: '200ms' });
    expect(await get(daemon)).toMatch(/^502 [^]*\(upstream_closed\)/);
    const [peer] = upstream.peers;
    expect(framesOf(peer?.received ?? '').filter(({ type }) => type === Type.ping).length).toBe(1);
    await peer?.until(() => peer.ended || peer.closed, 'the session to go');
  });

  it('stay as long as every PING is answered', async () => {
    const upstream = await RawUpstream.start();
    stops.push(() => upstream.stop());
    const pings = (received: string): string[] =>
      framesOf(received)
        .filter(({ type }) => type === Type.ping)
        .map(({ payload }) => payload);
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      peer.send(settings() + settingsAck());
      for (let count = 1; count <= 3; count++) {
        await peer.until(() => peer.closed || pings(peer.received).length >= count, 'a PING');
        if (!peer.closed) peer.send(frame(Type.ping, Flag.ack, 0, pings(peer.received)[count - 1] ?? ''));
      }
    });
    const daemon = await daemonTo(upstream.authority, { h2_read_idle_timeout: '100ms', h2_ping_timeout: '1s' });
    const client = await RawClient.connect(daemon.port());
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const peer = await upstream.peer();
    await peer.until(() => pings(peer.received).length >= 3, 'three PINGs');
    expect(peer.ended).toBe(false);
    client.destroy();
  });

  it('stay when the answer to a PING is late and other frames come', async () => {
    const upstream = await RawUpstream.start();
    stops.push(() => upstream.stop());
    const pinged = (received: string): boolean => framesOf(received).some(({ type }) => type === Type.ping);
    upstream.onConnection(async (peer) => {
      await peer.sees(PREFACE);
      peer.send(settings() + settingsAck());
      await peer.until(() => pinged(peer.received), 'a PING');
      for (let i = 0; i < 20 && !peer.closed; i++) {
        peer.send(frame(Type.windowUpdate, 0, 0, '\0\0\0\x01'));
        await delay(50);
      }
      if (!peer.closed) peer.send(frame(Type.headers, Flag.endStream | Flag.endHeaders, 1, '\x89'));
    });
    const daemon = await daemonTo(upstream.authority, { h2_read_idle_timeout: '300ms', h2_ping_timeout: '300ms' });
    expect(await get(daemon)).toBe('204 ');
  });

  it('leave no stream, session or socket behind after 500 clients that went away', { timeout: 20_000 }, async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority, { idle_timeout: '300ms' });
    const before = await openSockets(daemon);
    upstream.handler = (stream, headers) => {
      // Some are left without an answer, some inside of one.
      if (headers[':path'] === '/head') return;
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(100_000));
    };
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(times(50, () => RawClient.connect(daemon.port())));
      clients.forEach((client, i) =>
        client.send(`GET ${i % 2 === 0 ? '/head' : '/body'} HTTP/1.1\r\nHost: a.test\r\n\r\n`),
      );
      await upstream.received((round + 1) * 50);
      // An end alone would leave them waiting for their answers.
      for (const client of clients) client.socket.resetAndDestroy();
    }
    await eventually('every stream to close', () => upstream.open.size === 0);
    await eventually('every session to close', () => upstream.sockets.size === 0);
    await socketsBackTo(daemon, before);
  });

  it('go when the upstream goes', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority);
    const before = await openSockets(daemon);
    for (let round = 0; round < 5; round++) {
      expect(await get(daemon)).toBe('200 ok');
      for (const socket of upstream.sockets) socket.end();
      await eventually('the connection to close', () => upstream.sockets.size === 0);
    }
    // The connections of `fetch` stay open.
    await socketsBackTo(daemon, before + 1);
  });

  it('do not keep the process from ending', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority);
    expect(await get(daemon)).toBe('200 ok');
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    await eventually('the session to close', () => upstream.sockets.size === 0);
  });

  it('outlive a reload that keeps their upstream, and close after one that does not', async () => {
    const upstream = await start();
    const daemon = await daemonTo(upstream.authority);
    const to = (path: string): unknown => {
      const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
      return webConfig([{ match: { path }, action }, { action: { type: 'static', status: 200 } }]);
    };
    expect(await get(daemon)).toBe('200 ok');
    expect(await daemon.reload(to('/*'))).toBe(true);
    expect(await get(daemon)).toBe('200 ok');
    expect(upstream.sessions.length).toBe(1);
    expect(await daemon.reload(webConfig([{ action: { type: 'static', status: 200 } }]))).toBe(true);
    await eventually('the session to close', () => upstream.sockets.size === 0);
  });

  it('are not shared with requests in HTTP/1.1 to the same address', async () => {
    const upstream = await RawUpstream.start();
    stops.push(() => upstream.stop());
    upstream.serve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const to = (path: string, proto: object): unknown => ({
      match: { path },
      action: { type: 'proxy', upstream: `http://${upstream.authority}`, ...proto },
    });
    const config = { dial_timeout: '300ms' };
    const daemon = await TestDaemon.start(webConfig([to('/1', {}), to('/2', { proto: 'h2' })], { config }));
    stops.push(() => stopHealthy(daemon));
    expect(await get(daemon, '/1')).toBe('200 ok');
    expect(await get(daemon, '/2')).toContain('(upstream_http2)');
    expect(await get(daemon, '/1')).toBe('200 ok');
  });
});
