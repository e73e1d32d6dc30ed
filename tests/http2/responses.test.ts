import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { FrameClient, GET, request } from '../testing/frame-client.ts';
import { number, Type } from '../testing/http2-frames.ts';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { head, Proxied, response } from '../testing/proxied.ts';
import { eventually } from '../testing/wait.ts';

let proxied: Proxied;
let client: H2Client;

beforeAll(async () => {
  proxied = await Proxied.start({
    args: ['-log-level=debug'],
    routes: [
      { match: { path: '/drop' }, action: { type: 'drop' } },
      { match: { path: '/empty' }, action: { type: 'static', status: 204 } },
      {
        match: { path: '/logged' },
        access_log: 'access.log',
        action: { type: 'static', status: 200, body_ref: { text: 'hello' } },
      },
      {
        match: { path: '/gone' },
        access_log: 'gone.log',
        action: { type: 'proxy', upstream: 'http://127.0.0.1:1' },
      },
    ],
  });
});
beforeEach(async () => {
  client = await H2Client.connect(proxied.daemon.url());
});
afterEach(async () => {
  client.destroy();
  await proxied.reset();
});
afterAll(() => proxied.stop());

describe('a response over HTTP/2', () => {
  it('has the status and the fields of the upstream, without those of its connection', async () => {
    const lines = [
      'Connection: x-hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'Upgrade: h9',
      'X-Kept: yes',
      'Date: then',
    ];
    proxied.upstream.serve(response('body', 'HTTP/1.1 404 Nothing Here', ...lines));
    const answer = await client.get('/');
    expect(answer).toMatchObject({ status: 404, body: 'body', code: 0 });
    expect(Object.keys(answer.headers).sort()).toEqual([':status', 'content-length', 'date', 'x-kept']);
    expect(answer.headers['date']).toBe('then');
  });

  it('keeps cookies apart, and has other fields of one name as a list', async () => {
    const lines = [
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Content-Language: de',
      'Content-Language: en',
      'Vary: a',
      'Vary: b',
    ];
    proxied.upstream.serve(response('', 'HTTP/1.1 200 OK', ...lines));
    const { headers } = await client.get('/');
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'content-language': 'de, en', vary: 'a, b' });
  });

  it('passes bytes beyond ASCII in values as they are', async () => {
    proxied.upstream.serve(response('', 'HTTP/1.1 200 OK', 'X-Name: gr\xfc\xdfe'));
    expect((await client.get('/')).headers['x-name']).toBe('gr\xfc\xdfe');
  });

  it('has a Date where the upstream sends none', async () => {
    proxied.upstream.serve(response(''));
    expect((await client.get('/')).headers['date']).toMatch(/ GMT$/);
  });

  it.each([
    ['HEAD', head('HTTP/1.1 200 OK', 'Content-Length: 10'), { status: 200, length: '10' }],
    ['HEAD', head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'), { status: 200, length: undefined }],
    ['GET', head('HTTP/1.1 204 No Content'), { status: 204, length: undefined }],
    ['GET', response('body', 'HTTP/1.1 205 Reset Content'), { status: 205, length: undefined }],
    ['GET', head('HTTP/1.1 304 Not Modified', 'Content-Length: 10'), { status: 304, length: '10' }],
  ])('to %s of %j has no body', async (method, sent, { status, length }) => {
    proxied.upstream.serve(sent);
    const answer = await client.send({ ':method': method, ':path': '/' });
    expect(answer).toMatchObject({ status, body: '', code: 0 });
    expect(answer.headers['content-length']).toBe(length);
  });

  it('that is chunked comes without framing fields', async () => {
    proxied.upstream.serve(`${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
    const answer = await client.get('/');
    expect(answer).toMatchObject({ status: 200, body: 'abcde', trailers: null, code: 0 });
    expect(answer.headers).not.toHaveProperty('transfer-encoding');
  });

  it.each([
    ['as a whole', ''],
    ['behind a body that came before', 'wait'],
  ])('with trailers %s has them', async (_, how) => {
    const rest = '3\r\ndef\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n';
    const first = `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}3\r\nabc\r\n`;
    proxied.upstream.serve(how === '' ? first + rest : first);
    const stream = client.open({ ':path': '/' });
    stream.end();
    const answer = answerOf(stream);
    if (how !== '') {
      await new Promise((resolve) => stream.once('data', resolve));
      proxied.upstream.peers[0].send(rest);
    }
    const { status, body, trailers } = await answer;
    expect({ status, body }).toEqual({ status: 200, body: 'abcdef' });
    expect(Object.keys(trailers ?? {})).toEqual(['x-sum']);
  });

  it('comes behind interim ones', async () => {
    proxied.upstream.serve(head('HTTP/1.1 103 Early Hints', 'Link: </a>', 'Content-Length: 3') + response('ok'));
    expect(await client.get('/')).toMatchObject({ status: 200, body: 'ok', interim: [103] });
  });

  it('to Expect comes behind the 100 of the upstream', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 100 Continue'));
      await peer.sees('hello');
      peer.send(response('ok'));
    });
    const stream = client.open({ ':method': 'POST', ':path': '/', expect: '100-continue', 'content-length': '5' });
    stream.once('continue', () => stream.end('hello'));
    expect(await answerOf(stream)).toMatchObject({ status: 200, body: 'ok' });
  });

  it('to Expect that is final stops the client', async () => {
    proxied.upstream.serve(null as never);
    const stream = client.open({ ':method': 'POST', ':path': '/empty', expect: '100-continue', 'content-length': '5' });
    expect(await answerOf(stream)).toMatchObject({ status: 204, code: 0 });
  });

  it('that is here before its request has been read asks the client to stop, and is kept', async () => {
    const frames = await FrameClient.connect(proxied.daemon.port());
    frames.headers(1, request('POST', '/empty'), false);
    await frames.until(() => frames.ended(1), 'the response');
    for (let i = 0; i < 8; i++) frames.data(1, 'x'.repeat(10_000));
    await frames.until(() => frames.of(Type.rstStream, 1).length > 0, 'a RST_STREAM');
    expect(number(frames.of(Type.rstStream, 1)[0].payload, 0, 4)).toBe(0);
    expect(await frames.headers(3, request('GET', '/empty')).outcome(3)).toBe('status 204');
    frames.destroy();
  });

  it('is both directions at once', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
      for (const word of ['one', 'two']) {
        await peer.sees(word);
        peer.send(`3\r\n${word}\r\n`);
      }
      await peer.sees('0\r\n\r\n');
      peer.send('0\r\n\r\n');
    });
    const stream = client.open({ ':method': 'POST', ':path': '/' });
    const heard = (): Promise<string> => new Promise((resolve) => stream.once('data', (data) => resolve(String(data))));
    stream.write('one');
    expect(await heard()).toBe('one');
    stream.write('two');
    expect(await heard()).toBe('two');
    stream.end();
    expect(await answerOf(stream)).toMatchObject({ code: 0 });
  });
});

describe('a response that cannot be completed', () => {
  it.each([
    ['with a length', 'Content-Length: 100'],
    ['with chunks', 'Transfer-Encoding: chunked'],
  ])('%s is reset with INTERNAL_ERROR, and never ended', async (_, framing) => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(`${head('HTTP/1.1 200 OK', framing)}5\r\nhello\r\n`);
      await peer.until(() => cut, 'the client to have got some');
      peer.destroy();
    });
    let cut = false;
    const frames = (await FrameClient.connect(proxied.daemon.port())).headers(1, GET);
    await frames.until(() => frames.body(1).includes('hello'), 'the begin of the body');
    cut = true;
    proxied.upstream.peers[0].socket.destroy();
    expect(await frames.outcome(1)).toBe('reset 2');
    expect(frames.ended(1)).toBe(false);
    frames.destroy();
  });

  it('before its head is answered with a status', async () => {
    expect(await client.get('/gone')).toMatchObject({ status: 502, code: 0 });
  });

  it('by a drop action is reset, and other streams go on', async () => {
    expect(await client.get('/drop')).toMatchObject({ status: 0, code: 8 });
    expect(await client.get('/empty')).toMatchObject({ status: 204 });
  });
});

describe('the access log', () => {
  it('tells of a stream as of a request', async () => {
    await client.get('/logged');
    const [line] = await logLines(`${proxied.daemon.folder}/access.log`, 1);
    expect(line).toMatchObject({ protocol: 'HTTP/2.0', method: 'GET', path: '/logged', status: 200, error: null });
    expect(Number(line['bytes_in'])).toBeGreaterThan(30);
    expect(Number(line['bytes_out'])).toBeGreaterThan('hello'.length);
  });
});

describe('a client that resets a stream', () => {
  it('before the response cuts the request to the upstream, and is logged', async () => {
    proxied.upstream.serve(() => null);
    const stream = client.open({ ':path': '/' }, true);
    const [{ peer }] = await proxied.upstream.received(1);
    stream.close(8);
    await peer.until(() => peer.ended || peer.closed, 'the upstream request to be cut');
    await proxied.daemon.logged((line) => (line['error'] as { code?: string } | undefined)?.code === 'client_closed');
  });

  it('inside of its request, with NO_ERROR too, does not have it taken for complete', async () => {
    const frames = await FrameClient.connect(proxied.daemon.port());
    frames.headers(1, request('POST', '/'), false).data(1, 'part');
    const peer = await proxied.upstream.peer();
    await peer.sees('part');
    frames.reset(1, 0);
    await peer.until(() => peer.ended || peer.closed, 'the upstream request to be cut');
    expect(peer.received).not.toContain('0\r\n\r\n');
    frames.destroy();
  });

  it('by going away cuts all of its requests', async () => {
    proxied.upstream.serve(() => null);
    for (let i = 0; i < 5; i++) client.open({ ':path': '/' }, true);
    await proxied.upstream.received(5);
    client.destroy();
    const gone = (): boolean => proxied.upstream.peers.every((peer) => peer.ended || peer.closed);
    await eventually('the upstream requests to be cut', gone);
  });
});
