import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { head, Proxied, response, undated } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start();
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

const HOST = 'Host: a.test';
/** What the upstream gets besides what the client sent. */
const forwarded = (host = 'a.test'): string[] => [
  'X-Forwarded-For: 127.0.0.1',
  ...(host === '' ? [] : [`X-Forwarded-Host: ${host}`]),
  'X-Forwarded-Proto: http',
];
const upstreamHost = (): string => `Host: ${proxied.upstream.authority}`;

describe('request bodies', () => {
  it('pass with their length', async () => {
    const sent = `${head('POST /p?q=1 HTTP/1.1', HOST, 'Content-Length: 5', 'X-A: b')}hello`;
    const { request, body, received } = await proxied.exchange(sent, response('ok'), 'ok');
    expect(request).toBe(
      head('POST /p?q=1 HTTP/1.1', upstreamHost(), 'Content-Length: 5', 'X-A: b', ...forwarded(), 'Via: 1.1 prox'),
    );
    expect(body).toBe('hello');
    expect(undated(received)).toBe(response('ok'));
  });

  it('pass chunked, decoded and encoded anew without extensions', async () => {
    const sent = `${head('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked')}5;a=b;c="d\\"e"\r\nhello\r\n0001\r\n!\r\n0\r\n\r\n`;
    const { request, body, received } = await proxied.exchange(sent, response('ok'), 'ok');
    expect(request).toBe(
      head('POST / HTTP/1.1', upstreamHost(), ...forwarded(), 'Via: 1.1 prox', 'Transfer-Encoding: chunked'),
    );
    expect(body).toBe('5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n');
    expect(undated(received)).toBe(response('ok'));
  });

  it.each([
    ['length', 'Content-Length: 10', ['01234', '56789'], ['01234', '56789'], ''],
    [
      'chunked',
      'Transfer-Encoding: chunked',
      ['5\r\n01234\r\n', '5\r\n56789\r\n'],
      ['5\r\n01234\r\n', '5\r\n56789\r\n'],
      '0\r\n\r\n',
    ],
  ])('stream: %s', async (_, field, [first, second], [firstSeen, secondSeen], last) => {
    proxied.upstream.serve(response('ok'));
    const client = await proxied.connect();
    client.send(head('POST / HTTP/1.1', HOST, field));
    const peer = await proxied.upstream.peer();
    await peer.sees('\r\n\r\n');
    client.send(first);
    await peer.sees(firstSeen);
    expect(proxied.upstream.requests).toEqual([]);
    client.send(second + last);
    await peer.sees(secondSeen + last);
    await client.sees('ok');
    expect(undated(client.received)).toBe(response('ok'));
    expect(proxied.upstream.requests[0]?.body).toBe(firstSeen + secondSeen + last);
    client.destroy();
  });

  it('of length 0 are no body', async () => {
    const { request, body } = await proxied.exchange(
      head('POST / HTTP/1.1', HOST, 'Content-Length: 0'),
      response('ok'),
      'ok',
    );
    expect(request).toContain('\r\nContent-Length: 0\r\n');
    expect(body).toBe('');
  });

  it('bring their trailers with them, but no field that frames or routes', async () => {
    const chunks =
      '2\r\nhi\r\n0\r\nX-Sum: 42\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n';
    const sent = head('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked', 'Trailer: X-Sum') + chunks;
    const { request, body } = await proxied.exchange(sent, response('ok'), 'ok');
    expect(request).toContain('\r\nTrailer: X-Sum\r\n');
    expect(body).toBe('2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n');
  });

  it('may come whole, with the end of the connection, before the upstream is reached', async () => {
    proxied.upstream.serve(response('ok'));
    const client = await proxied.connect();
    client.send(head('POST / HTTP/1.1', HOST, 'Content-Length: 200000'));
    client.send('x'.repeat(200_000)).end();
    expect(undated(await client.toEnd())).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'.replace('\r\nConnection', '\r\nConnection'),
    );
    expect(proxied.upstream.requests[0]?.body.length).toBe(200_000);
  });
});

describe('response bodies', () => {
  const get = head('GET / HTTP/1.1', HOST);

  it('pass chunked, decoded and encoded anew', async () => {
    const answer = `${head('HTTP/1.1 200 Fine', 'Transfer-Encoding: chunked', 'X-B: c')}5;x\r\nhello\r\n0\r\n\r\n`;
    const { received } = await proxied.exchange(get, answer, '0\r\n\r\n');
    expect(undated(received)).toBe(
      `${head('HTTP/1.1 200 Fine', 'X-B: c', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    );
  });

  it('that end with the connection become chunked', async () => {
    proxied.upstream.serve(({ peer }) => {
      peer.send(`${head('HTTP/1.1 200 OK', 'Connection: close')}all`).end();
      return null;
    });
    const client = await proxied.connect();
    client.send(get);
    await client.sees('0\r\n\r\n');
    expect(undated(client.received)).toBe(
      `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}3\r\nall\r\n0\r\n\r\n`,
    );
    client.destroy();
  });

  it.each([
    ['length', ['Content-Length: 10'], ['01234', '56789'], ['01234', '56789']],
    [
      'chunked',
      ['Transfer-Encoding: chunked'],
      ['5\r\n01234\r\n', '5\r\n56789\r\n0\r\n\r\n'],
      ['5\r\n01234\r\n', '5\r\n56789\r\n0\r\n\r\n'],
    ],
    ['close', [], ['01234', '56789'], ['5\r\n01234\r\n', '5\r\n56789\r\n']],
  ])('stream: %s', async (name, fields, [first, second], [firstSeen, secondSeen]) => {
    proxied.upstream.serve(() => head('HTTP/1.1 200 OK', ...fields));
    const client = await proxied.connect();
    client.send(get);
    await client.sees('\r\n\r\n');
    const peer = await proxied.upstream.peer();
    peer.send(first);
    await client.sees(firstSeen);
    expect(client.received).not.toContain(secondSeen);
    peer.send(second);
    if (name === 'close') peer.end();
    await client.sees(secondSeen);
    client.destroy();
  });

  it('bring their trailers with them, but no field that frames', async () => {
    const answer = `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X-Sum')}1\r\na\r\n0\r\nX-Sum: 9\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`;
    const sent = head('GET / HTTP/1.1', HOST, 'TE: trailers, gzip;q=0.5', 'Connection: TE');
    const { request, received } = await proxied.exchange(sent, answer, 'X-Sum: 9\r\n\r\n');
    expect(request).toBe(
      head('GET / HTTP/1.1', upstreamHost(), ...forwarded(), 'Via: 1.1 prox', 'TE: trailers', 'Connection: TE'),
    );
    expect(undated(received)).toBe(
      `${head('HTTP/1.1 200 OK', 'Trailer: X-Sum', 'Transfer-Encoding: chunked')}1\r\na\r\n0\r\nX-Sum: 9\r\n\r\n`,
    );
  });

  it.each([
    ['204', 'GET', 'HTTP/1.1 204 No Content', ['Content-Length: 0'], head('HTTP/1.1 204 No Content')],
    [
      '304 with a length',
      'GET',
      'HTTP/1.1 304 Not Modified',
      ['Content-Length: 9', 'ETag: "a"'],
      head('HTTP/1.1 304 Not Modified', 'Content-Length: 9', 'ETag: "a"'),
    ],
    ['304 without', 'GET', 'HTTP/1.1 304 Not Modified', ['ETag: "a"'], head('HTTP/1.1 304 Not Modified', 'ETag: "a"')],
    [
      'HEAD with a length',
      'HEAD',
      'HTTP/1.1 200 OK',
      ['Content-Length: 123'],
      head('HTTP/1.1 200 OK', 'Content-Length: 123'),
    ],
    ['HEAD without', 'HEAD', 'HTTP/1.1 200 OK', ['X-A: b'], head('HTTP/1.1 200 OK', 'X-A: b')],
    ['HEAD chunked', 'HEAD', 'HTTP/1.1 200 OK', ['Transfer-Encoding: chunked'], head('HTTP/1.1 200 OK')],
    [
      'HEAD of a 404',
      'HEAD',
      'HTTP/1.1 404 Not Found',
      ['Content-Length: 7'],
      head('HTTP/1.1 404 Not Found', 'Content-Length: 7'),
    ],
  ])('are none: %s; the connection goes on', async (_, method, status, fields, expected) => {
    proxied.upstream.serve(({ head: request }) =>
      request.startsWith('GET /next') ? response('next') : head(status, ...fields),
    );
    const client = await proxied.connect();
    client.send(head(`${method} / HTTP/1.1`, HOST));
    await client.sees('\r\n\r\n');
    client.send(head('GET /next HTTP/1.1', HOST));
    await client.sees('next');
    expect(undated(client.received)).toBe(expected + response('next'));
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });
});

describe('both directions', () => {
  it('run at the same time: full duplex', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
      for (let i = 0; i < 5; i++) {
        await peer.sees(`3\r\nup${i}\r\n`);
        peer.send(`5\r\ndown${i}\r\n`);
      }
      await peer.sees('0\r\n\r\n');
      peer.send('0\r\n\r\n');
      await peer.sees('GET /again');
      peer.send(response('again'));
    });
    const client = await proxied.connect();
    client.send(head('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked'));
    await client.sees('\r\n\r\n');
    for (let i = 0; i < 5; i++) {
      client.send(`3\r\nup${i}\r\n`);
      await client.sees(`5\r\ndown${i}\r\n`);
    }
    client.send('0\r\n\r\n');
    await client.sees('0\r\n\r\n');
    client.send(head('GET /again HTTP/1.1', HOST));
    await client.sees('again');
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });

  it('an early answer ends the upload: the client gets it while it still sends', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('xxxx');
      peer.send(response('too much', 'HTTP/1.1 413 Content Too Large'));
    });
    const client = await proxied.connect();
    client.send(head('POST / HTTP/1.1', HOST, 'Content-Length: 100000000') + 'x'.repeat(1000));
    await client.sees('too much');
    // Far less than announced was sent; the connection ends, because the rest is not needed.
    client.send('x'.repeat(200_000));
    await client.toEnd();
    expect(undated(client.received)).toBe(
      response('too much', 'HTTP/1.1 413 Content Too Large').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    client.destroy();
  });

  /** A client that has sent the first chunk of an upload, and has its answer already. */
  async function answeredEarly(): Promise<RawClient> {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('xxxx');
      peer.send(response('early'));
    });
    const client = await proxied.connect();
    client.send(`${head('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked')}4\r\nxxxx\r\n`);
    await client.sees('early');
    return client;
  }

  it('an early answer that does not say close keeps the connection behind an upload of 200 KB', async () => {
    const client = await answeredEarly();
    expect(client.received).not.toContain('Connection: close');
    proxied.upstream.serve(response('next'));
    for (let i = 0; i < 20; i++) client.send(`2710\r\n${'x'.repeat(10_000)}\r\n`);
    client.send(`0\r\n\r\n${head('GET / HTTP/1.1', HOST)}`);
    await client.sees('next');
    client.destroy();
  });

  it('an early answer ends the connection of an upload that goes on for more than 1 MiB', async () => {
    const client = await answeredEarly();
    for (let i = 0; i < 12; i++) client.send(`186a0\r\n${'x'.repeat(100_000)}\r\n`);
    await client.until(() => client.closed || client.ended, 'the connection to end');
    expect(undated(client.received)).toBe(response('early'));
    client.destroy();
  });

  it('an early refusal of an upload of unknown length says that the connection ends', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('xxxx');
      peer.send(response('no', 'HTTP/1.1 403 Forbidden'));
    });
    const client = await proxied.connect();
    client.send(`${head('POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked')}4\r\nxxxx\r\n`);
    await client.toEnd();
    expect(client.received).toContain('\r\nConnection: close\r\n');
    client.destroy();
  });

  it('an early answer to a small upload keeps the connection', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(response('no', 'HTTP/1.1 403 Forbidden'));
    });
    const client = await proxied.connect();
    client.send(head('POST / HTTP/1.1', HOST, 'Content-Length: 10') + '01234');
    await client.sees('no');
    proxied.upstream.serve(response('yes'));
    client.send('56789' + head('GET / HTTP/1.1', HOST));
    await client.sees('yes');
    expect(undated(client.received)).toBe(response('no', 'HTTP/1.1 403 Forbidden') + response('yes'));
    client.destroy();
  });
});
