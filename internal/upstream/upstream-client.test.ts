import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Fields } from '../message/index.ts';
import { parsePeer } from './peer.ts';
import { bench, cleanUp, codeOf, RawServer } from './testing/own-requests.ts';

afterEach(cleanUp);

describe('an own request over HTTP/1.1', () => {
  it('sends method, target, Host and fields, and gives status, fields and body', async () => {
    const server = await RawServer.start((socket) =>
      socket.write('HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello'),
    );
    const { send } = bench();
    const fields = Fields.of([
      ['X-B', '2'],
      ['Connection', 'close'],
      ['Content-Length', '7'],
      ['Host', 'forged.example'],
      ['Expect', '100-continue'],
      ['Upgrade', 'websocket'],
    ]);
    const response = await send(server.peer, { target: '/a?b=c', fields });
    expect(response).toMatchObject({ status: 404, reason: 'Not Found' });
    expect(response.fields.get('x-a')).toBe('1');
    expect(response.body.toString()).toBe('hello');
    expect(server.received).toBe(`GET /a?b=c HTTP/1.1\r\nHost: ${server.peer.authority}\r\nX-B: 2\r\n\r\n`);
  });

  it('sends a body with its length, and the authority that it is told', async () => {
    const server = await RawServer.start((socket) => {
      if (server.received.endsWith('{}')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const { send } = bench();
    const { status } = await send(server.peer, { method: 'POST', authority: 'a.example', body: Buffer.from('{}') });
    expect(status).toBe(204);
    expect(server.received).toBe('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\n{}');
  });

  it('says of a POST without a body that it has none', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    await bench().send(server.peer, { method: 'POST' });
    expect(server.received).toContain('Content-Length: 0\r\n\r\n');
  });

  it('sends a body of a megabyte to a server that reads it slowly', async () => {
    let bytes = 0;
    const server = await RawServer.start((socket) => {
      bytes = server.received.length;
      socket.pause();
      setImmediate(() => socket.resume());
      if (server.received.endsWith('END')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const body = Buffer.alloc(1_048_576, 'x');
    body.write('END', body.length - 3);
    expect((await bench().send(server.peer, { method: 'PUT', body })).status).toBe(204);
    expect(bytes).toBeGreaterThan(body.length);
  });

  it('uses one connection for one request after another', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const { send } = bench();
    for (let i = 0; i < 5; i++) expect((await send(server.peer)).body.toString()).toBe('ok');
    expect(server.sockets).toHaveLength(1);
  });

  it('gives fields that the next response on the connection does not change', async () => {
    const server = await RawServer.start((socket, count) =>
      socket.write(`HTTP/1.1 200 OK\r\nX-Count: ${count}\r\nContent-Length: 0\r\n\r\n`),
    );
    const { send } = bench();
    const first = await send(server.peer);
    const second = await send(server.peer);
    expect([first.fields.get('x-count'), second.fields.get('x-count')]).toEqual(['1', '2']);
  });

  it('follows no redirect', async () => {
    const server = await RawServer.start((socket) =>
      socket.write('HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n'),
    );
    const response = await bench().send(server.peer);
    expect([response.status, response.fields.get('location')]).toEqual([302, '/login']);
    expect(server.received.match(/HTTP\/1\.1\r\n/g)).toHaveLength(1);
  });

  it('passes over interim responses, and reads a chunked body and one that ends with the connection', async () => {
    const server = await RawServer.start((socket, count) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
      if (count === 1) socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n');
      else socket.end('HTTP/1.1 200 OK\r\n\r\nto the end');
    });
    const { send } = bench();
    expect((await send(server.peer)).body.toString()).toBe('one');
    expect((await send(server.peer)).body.toString()).toBe('to the end');
  });

  it.each([
    ['nonsense', 'bad_response', 'ICY 200 OK\r\n\r\n'],
    [
      'a protocol switch',
      'bad_response',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['a head that is too large', 'response_head_too_large', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`],
    ['a body longer than the bound, said', 'response_too_large', 'HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n'],
    ['a body longer than the bound, unsaid', 'response_too_large', `HTTP/1.1 200 OK\r\n\r\n${'b'.repeat(100_001)}`],
  ])('fails on %s', async (_, code, answer) => {
    const server = await RawServer.start((socket) => socket.write(answer));
    const { send, pools } = bench();
    expect(await codeOf(send(server.peer))).toBe(code);
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect(pools.idle).toBe(0);
  });

  it('takes no connection for idle whose body was too long, though it came to its end in the same read', async () => {
    const server = await RawServer.start((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
    );
    const { send, pools } = bench();
    expect(await codeOf(send(server.peer, {}, { maxBodyBytes: 2 }))).toBe('response_too_large');
    expect(pools.idle).toBe(0);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it('fails when the server cannot be reached', async () => {
    const server = await RawServer.start(() => {});
    server.stop();
    const error = await bench()
      .send(server.peer)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'dial_failed', upstream: server.peer.text });
  });

  it.each(['a b', '/a b', 'http://a/', '/a\r\nX: y', '/\xe4'])('refuses the target %j', async (target) => {
    await expect(bench().send(parsePeer('127.0.0.1:1'), { target })).rejects.toThrow(TypeError);
  });

  it('refuses CONNECT', async () => {
    await expect(bench().send(parsePeer('127.0.0.1:1'), { method: 'CONNECT' })).rejects.toThrow(TypeError);
  });
});

describe('an own request whose body is not wanted', () => {
  const headOnly = { wantsBody: (status: number) => status >= 300 };

  it('has its response with the head, and keeps the connection when the rest is short', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    const { send, pools } = bench();
    const response = await send(server.peer, {}, headOnly);
    expect([response.status, response.body.length]).toEqual([200, 0]);
    server.sockets[0].write('12345');
    await vi.waitFor(() => expect(pools.idle).toBe(1));
  });

  it.each([
    ['says so', 'HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n'],
    ['does not say so', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(70_000)}`],
  ])('closes the connection when the rest is long and %s', async (_, answer) => {
    const server = await RawServer.start((socket) => socket.write(answer));
    const { send } = bench();
    expect((await send(server.peer, {}, headOnly)).status).toBe(200);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it('closes the connection when the rest does not come in time', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    const { send } = bench();
    expect((await send(server.peer, {}, { ...headOnly, timeout: 100 })).status).toBe(200);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it('still reads a body that is wanted', async () => {
    const server = await RawServer.start((socket) =>
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
    );
    expect((await bench().send(server.peer, {}, headOnly)).body.toString()).toBe('no');
  });
});

describe('an own request on a connection that had grown old', () => {
  /** Answers the first request on each connection, and closes it when the second comes. */
  const closesOnSecond = (seen: Map<Socket, number>) => (socket: Socket) => {
    const count = (seen.get(socket) ?? 0) + 1;
    seen.set(socket, count);
    if (count === 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    else socket.destroy();
  };

  it('is sent again, once, on a new one', async () => {
    const server = await RawServer.start(closesOnSecond(new Map()));
    const { send } = bench();
    await send(server.peer);
    expect((await send(server.peer)).status).toBe(204);
    expect(server.sockets).toHaveLength(2);
  });

  it('is not sent again when that might do it twice', async () => {
    const server = await RawServer.start(closesOnSecond(new Map()));
    const { send } = bench();
    await send(server.peer);
    expect(await codeOf(send(server.peer, { method: 'POST', body: Buffer.from('x') }))).toBe('upstream_closed');
  });

  it('is not sent again when the server closes new connections, too', async () => {
    let answered = false;
    const server = await RawServer.start((socket) => {
      if (answered) socket.destroy();
      else socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      answered = true;
    });
    const { send } = bench();
    await send(server.peer);
    expect(await codeOf(send(server.peer))).toBe('upstream_closed');
    expect(server.sockets).toHaveLength(2);
  });
});

describe('an own request over TLS', () => {
  it('speaks HTTP/1.1 where the server wants that', async () => {
    const server = await RawServer.start(
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
      true,
    );
    const { send } = bench();
    for (let i = 0; i < 3; i++) expect((await send(server.peer)).body.toString()).toBe('ok');
    expect(server.sockets).toHaveLength(1);
  });

  it('fails on a certificate that is not trusted', async () => {
    const server = await RawServer.start(() => {}, true);
    expect(await codeOf(bench().send(parsePeer(`https://${server.peer.authority}`)))).toBe('upstream_tls');
  });
});

describe('the pools behind own requests', () => {
  it('close idle connections to peers that a new config does not have', async () => {
    const server = await RawServer.start((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const { send, pools } = bench();
    await send(server.peer);
    pools.retain(new Set([server.peer.key]));
    expect(pools.idle).toBe(1);
    pools.retain(new Set());
    expect(pools.idle).toBe(0);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});
