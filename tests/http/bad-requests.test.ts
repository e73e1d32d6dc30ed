import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { head, Proxied, response } from '../testing/proxied.ts';

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({
    limits: { max_header_bytes: 4096, max_headers: 20, max_target_bytes: 200, max_body_bytes: 1000 },
    routes: [{ match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'static' } } }],
  });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

const HOST = 'Host: a.test';
const NEXT = head('GET /next HTTP/1.1', HOST);
const post = (...fields: string[]): string => head('POST / HTTP/1.1', HOST, ...fields);
const get = (...fields: string[]): string => head('GET / HTTP/1.1', HOST, ...fields);

/** What is wrong, the bytes, the status and the code in the body of the answer. */
const MALFORMED: readonly (readonly [string, string, number, string])[] = [
  ['no start line', '\x16\x03\x01\x02\x00\x01', 400, 'bad_start_line'],
  ['two spaces', head('GET  / HTTP/1.1', HOST), 400, 'bad_start_line'],
  ['no version', head('GET /', HOST), 400, 'bad_start_line'],
  ['lower-case version', head('GET / http/1.1', HOST), 400, 'bad_start_line'],
  ['a method that is no token', head('GE(T / HTTP/1.1', HOST), 400, 'bad_start_line'],
  ['space before the method', head(' GET / HTTP/1.1', HOST), 400, 'bad_start_line'],
  ['HTTP/2 without its preface', head('GET / HTTP/2.0', HOST), 505, 'bad_version'],
  ['a Host that is no address', head('GET / HTTP/1.1', 'Host: [:::::::]'), 400, 'bad_host'],
  ['version 0.9', head('GET / HTTP/0.9', HOST), 505, 'bad_version'],
  ['a target without a slash', head('GET x HTTP/1.1', HOST), 400, 'bad_target'],
  ['* for GET', head('GET * HTTP/1.1', HOST), 400, 'bad_target'],
  ['a fragment', head('GET /a#b HTTP/1.1', HOST), 400, 'bad_target'],
  ['a double dot beside an encoded slash', head('GET /a/..%2fb HTTP/1.1', HOST), 400, 'bad_target'],
  ['a broken percent-encoding', head('GET /%zz HTTP/1.1', HOST), 400, 'bad_target'],
  ['a scheme that is not ours', head('GET ftp://a/ HTTP/1.1', HOST), 400, 'bad_target'],
  ['user information', head('GET http://u@a.test/ HTTP/1.1', HOST), 400, 'bad_target'],
  ['CONNECT without a port', head('CONNECT a.test HTTP/1.1', HOST), 400, 'bad_target'],
  ['a bare LF behind the start line', `GET / HTTP/1.1\n${HOST}\r\n\r\n`, 400, 'bad_start_line'],
  ['a bare LF behind a field', `GET / HTTP/1.1\r\n${HOST}\n\r\n`, 400, 'bad_field_line'],
  ['a bare CR in a value', get('X: a\rb'), 400, 'bad_field_line'],
  ['NUL in a value', get('X: a\0b'), 400, 'bad_field_line'],
  ['white space before the colon', get('X : a'), 400, 'bad_field_line'],
  ['a folded line', get('X: a', ' b'), 400, 'bad_field_line'],
  ['a line without a colon', get('nonsense'), 400, 'bad_field_line'],
  ['an empty name', get(': a'), 400, 'bad_field_line'],
  ['no Host', head('GET / HTTP/1.1'), 400, 'bad_host'],
  ['two Hosts', get('Host: a.test'), 400, 'bad_host'],
  ['a Host that is none', head('GET / HTTP/1.1', 'Host: a/b'), 400, 'bad_host'],
  ['an empty Host', head('GET / HTTP/1.1', 'Host:'), 400, 'bad_host'],
  ['Content-Length twice', post('Content-Length: 5', 'Content-Length: 5'), 400, 'bad_content_length'],
  ['Content-Length as a list', post('Content-Length: 5, 5'), 400, 'bad_content_length'],
  ['Content-Length with a sign', post('Content-Length: +5'), 400, 'bad_content_length'],
  ['Content-Length in hex', post('Content-Length: 0x5'), 400, 'bad_content_length'],
  ['Content-Length beyond counting', post('Content-Length: 99999999999999999999'), 400, 'bad_content_length'],
  ['an empty Content-Length', post('Content-Length:'), 400, 'bad_content_length'],
  ['both framings', post('Content-Length: 5', 'Transfer-Encoding: chunked'), 400, 'bad_framing'],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked'), 400, 'bad_framing'],
  ['chunked that is not the last', post('Transfer-Encoding: chunked, gzip'), 400, 'bad_framing'],
  ['chunked in HTTP/1.0', head('POST / HTTP/1.0', HOST, 'Transfer-Encoding: chunked'), 400, 'bad_framing'],
  ['another coding', post('Transfer-Encoding: gzip, chunked'), 501, 'unknown_coding'],
  ['a chunk size that is none', `${post('Transfer-Encoding: chunked')}xyz\r\n`, 400, 'bad_chunk'],
  ['a chunk size with white space before it', `${post('Transfer-Encoding: chunked')} 5\r\nhello\r\n`, 400, 'bad_chunk'],
  ['a chunk longer than its size', `${post('Transfer-Encoding: chunked')}2\r\nhello\r\n`, 400, 'bad_chunk'],
  ['a chunk size beyond counting', `${post('Transfer-Encoding: chunked')}ffffffffffffffff\r\n`, 400, 'bad_chunk'],
  ['a bare LF behind a chunk size', `${post('Transfer-Encoding: chunked')}5\nhello\r\n`, 400, 'bad_chunk'],
  ['a broken trailer', `${post('Transfer-Encoding: chunked')}0\r\nA b\r\n\r\n`, 400, 'bad_trailer'],
  ['a long target', head(`GET /${'a'.repeat(300)} HTTP/1.1`, HOST), 414, 'target_too_long'],
  ['a long target that does not end', `GET /${'a'.repeat(8000)}`, 414, 'target_too_long'],
  ['a large head', get(`X: ${'a'.repeat(5000)}`), 431, 'head_too_large'],
  ['too many fields', get(...Array.from({ length: 25 }, (_, i) => `X-${i}: a`)), 431, 'head_too_large'],
  ['a body that says it is too large', post('Content-Length: 1001'), 413, 'body_too_large'],
  [
    'a chunked body that is too large',
    `${post('Transfer-Encoding: chunked')}3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`,
    413,
    'body_too_large',
  ],
  ['CONNECT with a body', head('CONNECT a.test:1 HTTP/1.1', HOST, 'Content-Length: 1'), 400, 'bad_framing'],
  ['Max-Forwards that is no number', head('OPTIONS / HTTP/1.1', HOST, 'Max-Forwards: -1'), 400, 'bad_field_line'],
];

describe('a request with', () => {
  it.each(MALFORMED)('%s is refused, and nothing behind it is read', async (_, bytes, status, code) => {
    const { received, requests } = await proxied.exchange(bytes + NEXT, response('upstream'));
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(received.endsWith(` (${code})\n`)).toBe(true);
    expect(received).toContain('\r\nConnection: close\r\n');
    expect(received.match(/HTTP\/1\.1 /g)?.length).toBe(1);
    expect(requests).toEqual([]);
    // Not even a head: nothing of it has left.
    expect(proxied.upstream.peers.map((peer) => peer.received).join('')).toBe('');
  });

  it.each(MALFORMED)('%s is refused the same when it comes in pieces', async (_, bytes, status, code) => {
    proxied.upstream.serve(response('upstream'));
    const client = await proxied.connect();
    client.send(bytes.slice(0, 3));
    await new Promise((resolve) => setImmediate(resolve));
    client.send(bytes.slice(3) + NEXT);
    const received = await client.toEnd();
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(received.endsWith(` (${code})\n`)).toBe(true);
    expect(proxied.upstream.requests).toEqual([]);
    client.destroy();
  });
});

describe('a refusal', () => {
  it('arrives although the client has sent much more, which is not read', async () => {
    const client = await proxied.connect();
    client.send(post('Content-Length: 50000000'));
    client.send('x'.repeat(5_000_000));
    const received = await client.toEnd();
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    expect(client.reset).toBe(false);
    client.destroy();
  });

  it('is the only answer, also if an unread body is malformed', async () => {
    const client = await proxied.connect();
    client.send(head('POST /static HTTP/1.1', HOST, 'Transfer-Encoding: chunked'));
    await client.sees('static');
    client.send(`zzz\r\n${NEXT}`);
    await client.toEnd();
    expect(client.received.match(/HTTP\/1\.1 /g)?.length).toBe(1);
    client.destroy();
  });

  it('has a body behind an earlier HEAD, too', async () => {
    const client = await proxied.connect();
    client.send(head('HEAD /static HTTP/1.1', HOST));
    await client.sees('\r\n\r\n');
    client.send('(((\r\n\r\n');
    expect(await client.toEnd()).toMatch(/\r\n\r\n400 Bad Request \(bad_start_line\)\n$/);
    client.destroy();
  });

  it('of a bad chunk cuts an exchange that is answered already', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01234`);
    });
    const client = await proxied.connect();
    client.send(post('Transfer-Encoding: chunked'));
    await client.sees('01234');
    client.send('zz\r\n');
    await client.until(() => client.closed);
    expect(client.reset).toBe(true);
    expect(client.received).not.toContain('400');
    const peer = await proxied.upstream.peer();
    await peer.until(() => peer.ended || peer.closed);
    expect(peer.received).not.toContain('0\r\n\r\n');
  });
});

describe('a request that is understood but not served', () => {
  it.each([
    [
      'CONNECT to a route that is no tunnel',
      head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443'),
      405,
      'method_not_allowed',
    ],
    ['TRACE that ends here', head('TRACE / HTTP/1.1', HOST, 'Max-Forwards: 0'), 405, 'method_not_allowed'],
  ])('%s', async (_, bytes, status, code) => {
    const { received, requests } = await proxied.exchange(bytes, response('x'), code);
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(requests).toEqual([]);
  });
});
