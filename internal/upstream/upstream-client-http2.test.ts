import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { Fields } from '../message/index.ts';
import { bench, cleanUp, codeOf, http2Server } from './testing/own-requests.ts';

afterEach(cleanUp);

describe('an own request over HTTP/2', () => {
  it('sends method, path, authority, fields and body, and gives status, fields and body', async () => {
    let seen: Record<string, unknown> = {};
    const { peer } = await http2Server((stream, headers) => {
      seen = headers;
      let body = '';
      stream.setEncoding('utf8').on('data', (text: string) => (body += text));
      stream.on('end', () => {
        stream.respond({ ':status': 201, 'x-a': '1' });
        stream.end(`got ${body}`);
      });
    });
    const fields = Fields.of([
      ['X-B', '2'],
      ['X-B', '3'],
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
      ['Connection', 'close'],
      ['Transfer-Encoding', 'chunked'],
    ]);
    const response = await bench().send(peer, {
      method: 'POST',
      target: '/a?b',
      authority: 'a.example',
      fields,
      body: Buffer.from('{}'),
    });
    expect(response.status).toBe(201);
    expect(response.fields.get('x-a')).toBe('1');
    expect(response.body.toString()).toBe('got {}');
    expect(seen).toMatchObject({
      ':method': 'POST',
      ':path': '/a?b',
      ':authority': 'a.example',
      ':scheme': 'http',
      'x-b': '2, 3',
      cookie: 'a=1; b=2',
      'content-length': '2',
    });
    expect(seen['connection']).toBeUndefined();
    expect(seen['transfer-encoding']).toBeUndefined();
  });

  it('sends many at once on one connection', async () => {
    let sessions = 0;
    const { peer, server } = await http2Server((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    server.on('session', () => sessions++);
    const { send } = bench();
    const responses = await Promise.all(Array.from({ length: 50 }, () => send(peer)));
    expect(responses.map(({ body }) => body.toString())).toEqual(Array.from({ length: 50 }, () => 'ok'));
    expect(sessions).toBe(1);
  });

  it('is sent again when the server has refused the stream, whatever the method', async () => {
    let streams = 0;
    const { peer } = await http2Server((stream) => {
      if (++streams < 3) {
        stream.close(7);
        return;
      }
      stream.respond({ ':status': 200 });
      stream.end();
    });
    expect((await bench().send(peer, { method: 'POST', body: Buffer.from('x') })).status).toBe(200);
    expect(streams).toBe(3);
  });

  it.each([
    ['before the head', () => {}],
    [
      'inside of the body',
      (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200 });
        stream.write('some');
      },
    ],
  ])('is reset when it is given up %s, and the session stays', async (_, answer) => {
    const controller = new AbortController();
    const streams: ServerHttp2Stream[] = [];
    let sessions = 0;
    const { peer, server } = await http2Server((stream) => {
      streams.push(stream);
      if (streams.length === 1) return answer(stream);
      stream.respond({ ':status': 204 }, { endStream: true });
    });
    server.on('session', () => sessions++);
    const { send } = bench();
    const call = send(peer, {}, { signal: controller.signal });
    await vi.waitFor(() => expect(streams).toHaveLength(1));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new ProxyError('client_closed', 'the client left'));
    expect(await codeOf(call)).toBe('client_closed');
    if (!streams[0].closed) await once(streams[0], 'close');
    expect(streams[0].rstCode).toBe(8);
    expect((await send(peer)).status).toBe(204);
    expect(sessions).toBe(1);
  });

  it('fails on a body longer than the bound, and gives the head alone where the body is not wanted', async () => {
    const { peer } = await http2Server((stream) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(200_000));
    });
    const { send } = bench();
    expect(await codeOf(send(peer))).toBe('response_too_large');
    expect((await send(peer, {}, { wantsBody: () => false })).body).toHaveLength(0);
  });
});
