import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Protocol } from '../phases/upstream-server.ts';
import { eventually } from '../testing/wait.ts';
import { Guarded } from './guarded.ts';

const PROTOCOLS: readonly Protocol[] = ['http/1.1', 'h2'];
const MEGABYTE = 'x'.repeat(1_048_576);

describe.each(PROTOCOLS)('forward_auth in front of clients of %s', (protocol) => {
  let guarded: Guarded;
  let session: string;
  beforeAll(async () => {
    guarded = await Guarded.start({ plugin: { add_headers: ['X-User', 'X-Forwarded-User'] } });
    session = guarded.auth.login('alice');
  });
  afterEach(() => guarded.reset());
  afterAll(() => guarded.stop());

  it('lets a client with a session pass, tells the upstream who it is, and hands its cookies on', async () => {
    const answer = await guarded.get(protocol, '/a?b=c', { fields: { cookie: session } });
    expect(answer).toMatchObject({ status: 200, body: 'hello', broken: false });
    expect(answer.fields['set-cookie']).toEqual([`${session}; HttpOnly`, 'seen=1']);
    expect(guarded.upstream.seen).toHaveLength(1);
    expect(guarded.upstream.seen[0]).toMatchObject({ url: '/a?b=c', fields: { 'x-user': 'alice', cookie: session } });
    expect(guarded.auth.asked[0]).toMatchObject({
      method: 'GET',
      url: '/verify',
      fields: {
        host: `127.0.0.1:${guarded.auth.port}`,
        cookie: session,
        'x-forwarded-method': 'GET',
        'x-forwarded-uri': '/a?b=c',
        'x-forwarded-proto': 'http',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-host': `127.0.0.1:${guarded.daemon.port()}`,
      },
    });
  });

  it('gives a client without a session what the auth server says, and asks nobody else', async () => {
    expect(await guarded.get(protocol)).toMatchObject({
      status: 401,
      body: '{"error":"no session"}',
      broken: false,
      fields: { 'www-authenticate': 'Bearer', 'content-type': 'application/json', 'content-length': '22' },
    });
    expect(guarded.upstream.seen).toEqual([]);
  });

  it('hands a redirect to the client, and follows none', async () => {
    guarded.auth.answer = ({ url }, response) => {
      if (url === '/login') return response.end('a page that is no verdict');
      return response.writeHead(302, { Location: '/login', 'Set-Cookie': 'state=1' }).end();
    };
    const answer = await guarded.get(protocol);
    expect(answer).toMatchObject({ status: 302, fields: { location: '/login', 'set-cookie': ['state=1'] } });
    expect(guarded.auth.asked.map(({ url }) => url)).toEqual(['/verify']);
    expect(guarded.upstream.seen).toEqual([]);
  });

  it('lets no client say what the auth server alone may say', async () => {
    const forged = { 'x-user': 'root', x_user: 'root', 'X-Forwarded-User': 'root' };
    await guarded.get(protocol, '/', { fields: { cookie: session, ...forged } });
    const { fields } = guarded.upstream.seen[0];
    expect([fields['x-user'], fields['x_user'], fields['x-forwarded-user']]).toEqual(['alice', undefined, undefined]);
    guarded.auth.answer = (_, response) => response.writeHead(204, { 'X-Forwarded-User': 'bob' }).end();
    await guarded.get(protocol, '/', { fields: forged });
    const second = guarded.upstream.seen[1].fields;
    expect([second['x-user'], second['x_user'], second['x-forwarded-user']]).toEqual([undefined, undefined, 'bob']);
  });

  it('keeps what the auth server alone may say out of trailers', async () => {
    guarded.upstream.answer = (response, request) => request.on('end', () => response.end('got it'));
    const trailers = { 'x-user': 'root', 'x-sum': '1' };
    await guarded.get(protocol, '/', { method: 'POST', body: ['some'], trailers, fields: { cookie: session } });
    expect(guarded.upstream.seen[0]).toMatchObject({ body: 'some', complete: true, trailers: { 'x-sum': '1' } });
    expect(guarded.upstream.seen[0].trailers['x-user']).toBeUndefined();
  });

  it('replaces what a client says of itself', async () => {
    const forged = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-host': 'forged',
      'x-forwarded-method': 'OPTIONS',
      'x-forwarded-uri': '/public',
      'x-forwarded-proto': 'https',
      'x-original-url': '/public',
      x_forwarded_uri: '/public',
    };
    await guarded.get(protocol, '/private', { fields: forged });
    const { fields } = guarded.auth.asked[0];
    expect(fields).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-method': 'GET',
      'x-forwarded-uri': '/private',
      'x-forwarded-proto': 'http',
    });
    expect([fields['x-original-url'], fields['x_forwarded_uri']]).toEqual([undefined, undefined]);
  });

  it('asks about a HEAD, and answers with the head alone', async () => {
    const passed = await guarded.get(protocol, '/', { method: 'HEAD', fields: { cookie: session } });
    expect(passed).toMatchObject({ status: 200, body: '', broken: false });
    const denied = await guarded.get(protocol, '/', { method: 'HEAD' });
    expect(denied).toMatchObject({ status: 401, body: '', broken: false, fields: { 'content-length': '22' } });
    expect(guarded.auth.asked.map(({ method, fields }) => [method, fields['x-forwarded-method']])).toEqual([
      ['GET', 'HEAD'],
      ['GET', 'HEAD'],
    ]);
  });

  it('passes an upload on that has waited for its verdict', async () => {
    let decide = (): void => {};
    guarded.auth.answer = (_, response) => (decide = () => void response.writeHead(204).end());
    guarded.upstream.answer = (response, request) => request.on('end', () => response.end('got it'));
    const asked = guarded.ask(protocol, { method: 'POST', body: [MEGABYTE], fields: { 'content-length': '1048576' } });
    await eventually('the auth request', () => guarded.auth.asked.length > 0);
    expect(guarded.auth.asked[0].fields['content-length']).toBeUndefined();
    expect(guarded.upstream.seen).toEqual([]);
    decide();
    expect(await asked.done()).toMatchObject({ status: 200, body: 'got it', broken: false });
    expect(guarded.upstream.seen[0].body).toBe(MEGABYTE);
  });

  it('refuses an upload without a word to the upstream', async () => {
    const asked = await guarded.get(protocol, '/', { method: 'POST', body: ['x'.repeat(30_000)] });
    expect(asked).toMatchObject({ status: 401, body: '{"error":"no session"}' });
    expect(guarded.upstream.seen).toEqual([]);
  });

  it('asks anew about each request', async () => {
    const cookie = guarded.auth.login('bob');
    expect(await guarded.get(protocol, '/', { fields: { cookie } })).toMatchObject({ status: 200 });
    guarded.auth.logout(cookie);
    expect(await guarded.get(protocol, '/', { fields: { cookie } })).toMatchObject({ status: 401 });
  });

  it('uses one connection to the auth server for one request after another', async () => {
    await guarded.get(protocol);
    const before = new Set(guarded.auth.sockets);
    for (let i = 0; i < 20; i++) await guarded.get(protocol);
    expect([...guarded.auth.sockets].filter((socket) => !before.has(socket))).toEqual([]);
  });

  it('asks nothing about routes that do not list it', async () => {
    expect(await guarded.get(protocol, '/open/a')).toMatchObject({ status: 200 });
    expect(guarded.auth.asked).toEqual([]);
  });

  it('asks about many requests at once', async () => {
    const cookies = Array.from({ length: 50 }, (_, i) => guarded.auth.login(`user${i}`));
    guarded.upstream.answer = (response, request) => response.end(String(request.headers['x-user']));
    const answers = await Promise.all(cookies.map((cookie) => guarded.get(protocol, '/', { fields: { cookie } })));
    expect(answers.map(({ body }) => body)).toEqual(cookies.map((_, i) => `user${i}`));
  });
});
