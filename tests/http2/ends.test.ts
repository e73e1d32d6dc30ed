import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webConfig } from '../testing/daemon.ts';
import { GET, request } from '../testing/frame-client.ts';
import { openSockets, socketsBackTo } from '../testing/health.ts';
import { number, Type } from '../testing/http2-frames.ts';
import { Http2Proxied } from '../testing/http2-proxied.ts';
import { response } from '../testing/proxied.ts';

let proxied: Http2Proxied;
afterEach(() => proxied.stop());

describe('a drain', () => {
  beforeEach(async () => {
    proxied = await Http2Proxied.start({ shutdown_timeout: 10 });
  });

  it('lets streams finish that are under way, and names the last', async () => {
    proxied.upstream.serve(() => null);
    const client = await proxied.frames();
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
    const client = await proxied.frames();
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
    const client = await proxied.raw('PRI');
    proxied.daemon.signal('SIGTERM');
    await proxied.daemon.logged(({ msg }) => msg.startsWith('stopping'));
    client.socket.write(' * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.send(Type.settings, 0, 0).headers(1, GET);
    expect(await client.outcome(1)).toBe('status 200');
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('ends connections without streams', async () => {
    const client = await proxied.h2();
    proxied.daemon.signal('SIGTERM');
    await client.gone();
    expect(await proxied.daemon.end()).toBe(0);
  });

  it('ends a connection that answers nothing', async () => {
    const client = await proxied.frames();
    client.socket.pause();
    proxied.daemon.signal('SIGTERM');
    expect(await proxied.daemon.end()).toBe(0);
  });
});

describe('shutdown_timeout', () => {
  it('cuts what is left', async () => {
    proxied = await Http2Proxied.start({ shutdown_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    const answer = (await proxied.h2()).get('/');
    await proxied.upstream.received(1);
    proxied.daemon.signal('SIGTERM');
    expect((await answer).status).toBe(0);
    expect(await proxied.daemon.end()).toBe(0);
  });
});

describe('a reload', () => {
  it('is in force for the next stream of an open connection, and the last one ends as it began', async () => {
    proxied = await Http2Proxied.start();
    proxied.upstream.serve(() => null);
    const client = await proxied.h2();
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
    proxied = await Http2Proxied.start();
    const sockets = await openSockets(proxied.daemon);
    for (let i = 0; i < 20; i++) {
      const client = await proxied.frames();
      client.headers(1, request('GET', '/big'));
      await client.until(() => client.of(Type.headers).length > 0, 'a head');
      if (i % 2 === 0) client.socket.end();
      else client.destroy();
    }
    await socketsBackTo(proxied.daemon, sockets);
  });

  it('are forgotten after a thousand resets', async () => {
    proxied = await Http2Proxied.start();
    proxied.upstream.serve(() => null);
    const sockets = await openSockets(proxied.daemon);
    for (let round = 0; round < 10; round++) {
      const client = await proxied.h2();
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
