import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { head, Proxied, response, undated } from '../testing/proxied.ts';

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({
    routes: [
      { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'static' } } },
      { match: { domain: 'b.test', path: '/gone' }, action: { type: 'static', status: 410 } },
      { match: { path: '/get', methods: ['GET'] }, action: { type: 'static', status: 200, body_ref: { text: 'get' } } },
      { match: { domain: 'none.test', path: '/only' }, action: { type: 'static', status: 200 } },
    ],
  });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

const get = (path: string, host = 'a.test'): string => head(`GET ${path} HTTP/1.1`, `Host: ${host}`);
const pathOf = (request: string): string => request.split(' ')[1] ?? '';
/** The body of each response, whatever its framing. */
const bodies = (received: string): string[] => received.split(/HTTP\/1\.1 \d+ [^]*?\r\n\r\n/).slice(1);

describe('pipelined requests', () => {
  it('100 in one write are answered in order, over one upstream connection', async () => {
    const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
    const { received, requests } = await proxied.exchange(
      paths.map((path) => get(path)).join(''),
      ({ head: request }) => response(`[${pathOf(request)}]`),
      '[/99]',
    );
    expect(bodies(received)).toEqual(paths.map((path) => `[${path}]`));
    expect(requests.map((request) => pathOf(request.head))).toEqual(paths);
    expect(new Set(requests.map(({ connection }) => connection))).toEqual(new Set([0]));
  });

  it('keep their order when some are answered by prox itself and some by the upstream', async () => {
    proxied.upstream.serve(async ({ head: request }) => {
      // The upstream is slow: what comes behind must wait for it all the same.
      await new Promise((resolve) => setTimeout(resolve, 20));
      return response(`[${pathOf(request)}]`);
    });
    const client = await proxied.connect();
    client.send(get('/static') + get('/1') + get('/static') + get('/static') + get('/2') + get('/static') + get('/3'));
    await client.sees('[/3]');
    expect(bodies(client.received)).toEqual(['static', '[/1]', 'static', 'static', '[/2]', 'static', '[/3]']);
    client.destroy();
  });

  it('with bodies between them, of every framing', async () => {
    const chunked = `${head('POST /2 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}3\r\ntwo\r\n0\r\n\r\n`;
    const sent = `${head('POST /1 HTTP/1.1', 'Host: a', 'Content-Length: 3')}one${chunked}${get('/3')}${head('POST /static HTTP/1.1', 'Host: a', 'Content-Length: 6')}unread${get('/4')}`;
    const { received, requests } = await proxied.exchange(
      sent,
      (request) => response(`[${pathOf(request.head)} ${request.body}]`),
      '[/4 ]',
    );
    expect(bodies(received)).toEqual(['[/1 one]', '[/2 3\r\ntwo\r\n0\r\n\r\n]', '[/3 ]', 'static', '[/4 ]']);
    expect(requests.length).toBe(4);
  });

  it('go on behind an answer of an error that leaves the connection in order', async () => {
    const sent = `${head('OPTIONS * HTTP/1.1', 'Host: a', 'Max-Forwards: 0')}${head('TRACE / HTTP/1.1', 'Host: a', 'Max-Forwards: 0')}${head('POST / HTTP/1.1', 'Host: a', 'Expect: magic', 'Content-Length: 0')}${head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443')}${get('/static')}`;
    const { received } = await proxied.exchange(sent, response('x'), 'static');
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual([
      'HTTP/1.1 204',
      'HTTP/1.1 405',
      'HTTP/1.1 417',
      'HTTP/1.1 405',
      'HTTP/1.1 200',
    ]);
  });

  it('cut at every byte are the same', async () => {
    const sent = `${head('POST /1 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}3\r\none\r\n0\r\nA: b\r\n\r\n${get('/static')}${get('/2')}`;
    proxied.upstream.serve((request) => response(`[${pathOf(request.head)} ${request.body}]`));
    const client = await proxied.connect();
    for (const byte of sent) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.sees('[/2 ]');
    expect(bodies(client.received)[1]).toBe('static');
    expect(bodies(client.received)[2]).toBe('[/2 ]');
    // How the reads of prox cut the body decides how it is chunked.
    const { body } = proxied.upstream.requests[0];
    expect(body.replaceAll(/[1-9]\r\n([a-z]+)\r\n/g, '$1')).toBe('one0\r\nA: b\r\n\r\n');
    client.destroy();
  });

  it('are not read behind Connection: close', async () => {
    const sent = head('GET /1 HTTP/1.1', 'Host: a', 'Connection: close') + get('/2');
    const { received, requests } = await proxied.exchange(sent, response('one'));
    expect(undated(received)).toBe(response('one').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    expect(requests.length).toBe(1);
  });
});

describe('a client that ends its side behind its requests', () => {
  it('gets all the answers', async () => {
    proxied.upstream.serve(({ head: request }) => response(`[${pathOf(request)}]`));
    const client = await proxied.connect();
    client.send(get('/1') + get('/2') + get('/static') + get('/3')).end();
    const received = await client.toEnd();
    expect(bodies(received)).toEqual(['[/1]', '[/2]', 'static', '[/3]']);
    expect(received.match(/Connection: close/g)?.length).toBe(1);
    client.destroy();
  });

  it('inside a body gets none, and the upstream notices', async () => {
    const client = await proxied.connect();
    client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 10')}01234`);
    const peer = await proxied.upstream.peer();
    await peer.sees('01234');
    client.end();
    expect(await client.toEnd()).toBe('');
    await peer.until(() => peer.ended || peer.closed);
    client.destroy();
  });
});
