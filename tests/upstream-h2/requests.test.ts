import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { head, response, undated } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';

const MIB = 1024 * 1024;

/** The answer to a request that shows where the one before it ends: prox gives it itself. */
const LAST = head('HTTP/1.1 204 No Content');

/** Without what differs from one run to the next; node:http2 writes the name in lower case. */
function withoutDate(text: string): string {
  return undated(text.replaceAll('\r\ndate: ', '\r\nDate: '));
}

/** The fields alone, without what node:http2 hangs onto them. */
function entries(fields: object): unknown {
  return Object.fromEntries(Object.entries(fields));
}

describe('a request to an upstream of HTTP/2', () => {
  let upstream: Http2Upstream;
  let local: Http2Upstream;
  let daemon: TestDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prox-h2-'));
    upstream = await Http2Upstream.start();
    local = await Http2Upstream.start({ path: join(folder, 'h2.sock') });
    const to = (path: string, action: Record<string, unknown>): unknown => ({
      match: { path },
      action: { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2', ...action },
    });
    daemon = await TestDaemon.start(
      webConfig([
        to('/prefixed/*', { upstream: `http://${upstream.authority}/api` }),
        to('/kept/*', { preserve_host: true }),
        to('/named/*', { headers: { Host: 'named.test', 'X-Own': 'set', TE: 'deflate' } }),
        to('/local/*', { upstream: `unix://${join(folder, 'h2.sock')}` }),
        { action: { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' } },
      ]),
    );
  });
  afterEach(async () => {
    await upstream.reset();
    await local.reset();
  });
  afterAll(async () => {
    await upstream.stop();
    await local.stop();
    await rm(folder, { recursive: true });
    await stopHealthy(daemon);
  });

  /** Sends bytes on a connection of its own; returns what comes up to the end, or up to a text. */
  const send = async (text: string, until?: string): Promise<string> => {
    const client = await RawClient.connect(daemon.port());
    client.send(text);
    if (until === undefined) await client.toEnd();
    else await client.sees(until);
    client.destroy();
    return withoutDate(client.received);
  };

  it('has pseudo-fields for the request line and Host, and no field of the connection', async () => {
    const received = await send(
      head(
        'GET /a/b?c=d HTTP/1.1',
        'Host: Client.test:81',
        'Connection: close, X-Hop',
        'X-Hop: 1',
        'Keep-Alive: 5',
        'X-Twice: 1',
        'X-Twice: 2',
        'Authorization: a',
        'Authorization: b',
        'Cookie: a=1',
        'Cookie: b=2',
        'X-Forwarded-For: 9.9.9.9',
      ),
    );
    expect(received).toBe(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    expect(entries(upstream.last)).toEqual({
      ':method': 'GET',
      ':scheme': 'http',
      ':authority': upstream.authority,
      ':path': '/a/b?c=d',
      'x-twice': '1, 2',
      authorization: 'a, b',
      cookie: 'a=1; b=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'Client.test:81',
      'x-forwarded-proto': 'http',
      via: '1.1 prox',
    });
  });

  it.each([
    ['/prefixed/x', (authority: string) => [authority, '/api/prefixed/x']],
    ['/kept/x', () => ['client.test', '/kept/x']],
    ['/named/x', () => ['named.test', '/named/x']],
  ])('goes to the authority and path that the action says: %s', async (path, expected) => {
    await send(
      head(`GET ${path} HTTP/1.1`, 'Host: client.test', 'X-Own: client', 'TE: trailers', 'Connection: close, TE'),
    );
    const { last } = upstream;
    expect([last[':authority'], last[':path']]).toEqual(expected(upstream.authority));
    expect([last['x-own'], last['te']]).toEqual(path === '/named/x' ? ['set', undefined] : ['client', 'trailers']);
  });

  it('goes to a unix socket', async () => {
    expect(await send(head('GET /local/ HTTP/1.1', 'Host: a.test', 'Connection: close'))).toContain('ok');
    expect(local.last[':authority']).toBe('localhost');
  });

  it('keeps the asterisk and spends a forward', async () => {
    await send(head('OPTIONS * HTTP/1.1', 'Host: a.test', 'Max-Forwards: 3', 'Connection: close'));
    expect([upstream.last[':path'], upstream.last['max-forwards']]).toEqual(['*', '2']);
  });

  it.each([
    ['of known length', 'Content-Length: 4', 'body', '4'],
    ['of unknown length', 'Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n', undefined],
  ])('takes a body %s along', async (_, field, body, length) => {
    upstream.handler = (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const received = await send(head('POST / HTTP/1.1', 'Host: a.test', field, 'Connection: close') + body);
    expect(received).toContain('\r\n4\r\nbody\r\n0\r\n\r\n');
    expect(upstream.last['content-length']).toBe(length);
  });

  it('takes trailers along, but those that have no place there', async () => {
    let trailers: unknown;
    upstream.handler = (stream) => {
      stream.on('trailers', (fields) => (trailers = entries(fields)));
      stream.resume();
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end();
      });
    };
    const fields = 'Grpc-Status: 0\r\nX-T: 1\r\nX-T: 2\r\nHost: evil\r\nTransfer-Encoding: x\r\n';
    await send(
      head('POST / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked', 'Connection: close') +
        `1\r\nx\r\n0\r\n${fields}\r\n`,
    );
    expect(trailers).toEqual({ 'grpc-status': '0', 'x-t': '1, 2' });
  });

  it('passes 100 on to a client that waits for it', async () => {
    upstream.handler = (stream) => {
      stream.additionalHeaders({ ':status': 100 });
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const client = await RawClient.connect(daemon.port());
    client.send(
      head('POST / HTTP/1.1', 'Host: a.test', 'Expect: 100-continue', 'Content-Length: 4', 'Connection: close'),
    );
    await client.sees('HTTP/1.1 100 ');
    await client.send('body').sees('\r\nbody\r\n');
    client.destroy();
  });

  it('carries 16 MiB up and down unharmed', { timeout: 20_000 }, async () => {
    upstream.handler = (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    };
    const body = Buffer.alloc(16 * MIB);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE(i, i);
    const answer = await fetch(daemon.url('/'), { method: 'POST', body });
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
  });

  const ANSWERS: readonly (readonly [
    what: string,
    method: string,
    handler: (stream: ServerHttp2Stream) => void,
    received: string,
  ])[] = [
    [
      'a length',
      'GET',
      (stream) => {
        stream.respond({ ':status': 404, 'content-length': 5, 'x-a': ['1', '2'] }, { waitForTrailers: false });
        stream.end('wrong');
      },
      head('HTTP/1.1 404 Not Found', 'content-length: 5', 'x-a: 1', 'x-a: 2') + 'wrong',
    ],
    ['no body', 'GET', (stream) => stream.respond({ ':status': 200 }, { endStream: true }), response('')],
    [
      '204',
      'GET',
      (stream) => stream.respond({ ':status': 204 }, { endStream: true }),
      head('HTTP/1.1 204 No Content'),
    ],
    [
      '304 with a length',
      'GET',
      (stream) => stream.respond({ ':status': 304, 'content-length': 5 }, { endStream: true }),
      head('HTTP/1.1 304 Not Modified', 'content-length: 5'),
    ],
    [
      'the head of HEAD',
      'HEAD',
      (stream) => stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true }),
      head('HTTP/1.1 200 OK', 'content-length: 5'),
    ],
    [
      'a head of HEAD without a length',
      'HEAD',
      (stream) => stream.respond({ ':status': 200 }, { endStream: true }),
      head('HTTP/1.1 200 OK'),
    ],
    [
      'interim responses',
      'GET',
      (stream) => {
        stream.additionalHeaders({ ':status': 103, link: '</a>' });
        stream.respond({ ':status': 204 }, { endStream: true });
      },
      head('HTTP/1.1 103 Early Hints', 'link: </a>') + head('HTTP/1.1 204 No Content'),
    ],
    [
      'trailers',
      'GET',
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': 'done' }));
        stream.end('ok');
      },
      head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + '2\r\nok\r\n0\r\nx-t: done\r\n\r\n',
    ],
    [
      'trailers and no body',
      'GET',
      (stream) => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-t': 'done' }));
        stream.end();
      },
      head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') + '0\r\nx-t: done\r\n\r\n',
    ],
  ];

  it.each(ANSWERS)('is answered with %s', async (_, method, handler, received) => {
    upstream.handler = handler;
    const client = await RawClient.connect(daemon.port());
    // A second request shows where the first response ends.
    client.send(
      head(`${method} / HTTP/1.1`, 'Host: a.test') + head('OPTIONS * HTTP/1.1', 'Host: a.test', 'Max-Forwards: 0'),
    );
    await client.until(() => withoutDate(client.received) === received + LAST, JSON.stringify(received));
    client.destroy();
  });
});
