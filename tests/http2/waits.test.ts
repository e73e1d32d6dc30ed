import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { GET, request } from '../testing/frame-client.ts';
import { answerOf } from '../testing/h2-client.ts';
import { Setting, Type } from '../testing/http2-frames.ts';
import { Http2Proxied } from '../testing/http2-proxied.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { head, response } from '../testing/proxied.ts';

let proxied: Http2Proxied;
afterEach(() => proxied.stop());

describe('a client that is too slow', () => {
  it('to begin is closed after header_timeout', async () => {
    proxied = await Http2Proxied.start({ header_timeout: 0.2 });
    const client = await proxied.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await client.goneWith();
    expect(client.closed).toBe(true);
  });

  it('to open a stream is told to go after idle_timeout, and closed', async () => {
    proxied = await Http2Proxied.start({ idle_timeout: 0.2 });
    const client = await proxied.frames();
    client.headers(1, request('GET', '/big'));
    client.window(0, 10_000_000).window(1, 10_000_000);
    await client.outcome(1);
    expect(await client.goneWith()).toBe(0);
  });

  it('with its content is answered 408 after stall_timeout, and other streams go on', async () => {
    proxied = await Http2Proxied.start({ stall_timeout: 0.4 });
    proxied.upstream.onConnection(() => {});
    const client = await proxied.h2();
    const stream = client.open({ ':method': 'POST', ':path': '/' });
    stream.write('some');
    expect((await answerOf(stream)).status).toBe(408);
    proxied.upstream.serve(response('ok'));
    expect((await client.get('/')).status).toBe(200);
    await proxied.failed('client_stalled');
  });

  it('to open its window is reset after stall_timeout, and other streams go on', async () => {
    proxied = await Http2Proxied.start({ stall_timeout: 0.4 });
    const client = await proxied.frames({ [Setting.windowSize]: 100 });
    client.headers(1, request('GET', '/big'));
    expect(await client.outcome(1)).toBe('reset 2');
    proxied.upstream.serve(response('ok'));
    expect(await client.headers(3, GET).outcome(3)).toBe('status 200');
  });

  it('but moves is not cut', async () => {
    proxied = await Http2Proxied.start({ stall_timeout: 0.5 });
    const client = await proxied.frames({ [Setting.windowSize]: 0 });
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
    proxied = await Http2Proxied.start({ read_timeout: 0.3 });
    proxied.upstream.onConnection(() => {});
    const stream = (await proxied.h2()).open({ ':method': 'POST', ':path': '/' });
    const timer = setInterval(() => stream.write('x'), 50);
    expect((await answerOf(stream)).status).toBe(408);
    clearInterval(timer);
  });

  it('with the response as a whole is reset after write_timeout', async () => {
    proxied = await Http2Proxied.start({ write_timeout: 0.3 });
    proxied.upstream.serve(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
    const client = await proxied.frames();
    expect(await client.headers(1, GET).outcome(1)).toBe('reset 2');
    await proxied.failed('response_timeout');
  });

  it('to answer a PING is closed, and its requests are cut', async () => {
    proxied = await Http2Proxied.start({ h2_read_idle_timeout: 0.2, h2_ping_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    const client = await proxied.frames();
    client.headers(1, GET);
    const [{ peer }] = await proxied.upstream.received(1);
    await client.until(() => client.of(Type.ping).length > 0, 'a PING');
    await client.goneWith();
    await peer.until(() => peer.ended || peer.closed, 'the upstream request to be cut');
  });

  it('to take what it was sent is not pinged to death', async () => {
    proxied = await Http2Proxied.start({ h2_read_idle_timeout: 0.2, h2_ping_timeout: 0.2 });
    const client = await proxied.frames({ [Setting.windowSize]: 100_000_000 });
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
    proxied = await Http2Proxied.start({ h2_read_idle_timeout: 0.1, h2_ping_timeout: 0.1 });
    proxied.upstream.serve(() => null);
    const client = await proxied.h2();
    const answer = client.get('/');
    const [{ peer }] = await proxied.upstream.received(1);
    for (let i = 0; i < 3; i++) await once(client.session, 'ping');
    peer.send(response('late'));
    expect(await answer).toMatchObject({ status: 200, body: 'late' });
  });
});

describe('an upstream that is too slow', () => {
  it('is given up with 504', async () => {
    proxied = await Http2Proxied.start({ response_header_timeout: 0.2 });
    proxied.upstream.serve(() => null);
    expect((await (await proxied.h2()).get('/')).status).toBe(504);
  });

  it('is waited for as long as it likes by gRPC, with HTTP/2 on both sides', async () => {
    const upstream = await Http2Upstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    proxied = await Http2Proxied.start({ response_header_timeout: 0.2 }, action);
    upstream.handler = () => {};
    const client = await proxied.h2();
    const silent = client.send({ ':path': '/', ':method': 'POST', 'content-type': 'application/grpc+proto' }, 'hello');
    await upstream.received(1);
    const [stream] = upstream.open;
    // One that begins later, and is no gRPC, has run into the timeout by then.
    expect((await client.send({ ':path': '/', ':method': 'POST' }, 'hello')).status).toBe(504);
    stream?.respond({ ':status': 200 });
    stream?.end('at last');
    expect(await silent).toMatchObject({ status: 200, body: 'at last' });
    await upstream.stop();
  });
});
