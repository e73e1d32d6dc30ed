import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Protocol } from '../phases/upstream-server.ts';
import { openSockets, socketsBackTo } from '../testing/health.ts';
import { eventually } from '../testing/wait.ts';
import { AuthServer } from './auth-server.ts';
import { Guarded } from './guarded.ts';

const PROTOCOLS: readonly Protocol[] = ['http/1.1', 'h2'];

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** What an auth server does that is no verdict. */
const NO_VERDICTS: readonly [string, Answering][] = [
  ['says nothing', () => {}],
  ['closes the connection', (_, response) => response.socket?.destroy()],
  ['resets the connection', (_, response) => response.socket?.resetAndDestroy()],
  ['says something that is no HTTP', (_, response) => response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')],
  [
    'switches protocols',
    (_, response) => response.socket?.write('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  ],
  [
    'sends a head without an end',
    (_, response) => response.socket?.write(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(2_000_000)}`),
  ],
  ['sends interim responses alone', (_, response) => response.writeProcessing()],
];

describe.each(PROTOCOLS)('forward_auth without a verdict, in front of clients of %s', (protocol) => {
  let guarded: Guarded;
  beforeAll(async () => {
    guarded = await Guarded.start({ plugin: { timeout: '300ms', add_headers: ['X-User'] } });
  });
  afterEach(() => guarded.reset());
  afterAll(() => guarded.stop());

  it.each(NO_VERDICTS)('refuses requests when the auth server %s', async (_, answer) => {
    guarded.auth.answer = answer;
    const from = guarded.daemon.log.length;
    expect(await guarded.get(protocol, '/', { method: 'POST', body: ['some'] })).toMatchObject({
      status: 502,
      body: 'Forward auth request failed\n',
      broken: false,
    });
    expect(guarded.upstream.seen).toEqual([]);
    await guarded.daemon.logged((line) => JSON.stringify(line).includes('auth_failed'), from);
    await eventually('the end of the auth request', () => guarded.auth.asked.every(({ abandoned }) => abandoned));
    guarded.auth.reset();
    expect(await guarded.get(protocol)).toMatchObject({ status: 401 });
  });

  it('refuses requests when a denial is too long for it', async () => {
    guarded.auth.answer = (_, response) => {
      response.writeHead(403);
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue;
      };
      response.on('drain', write);
      write();
    };
    expect(await guarded.get(protocol)).toMatchObject({ status: 502 });
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });

  it('lets requests pass whose 2xx comes with a body without an end, which it does not read', async () => {
    guarded.auth.answer = (_, response) => {
      response.writeHead(200, { 'X-User': 'alice' });
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) continue;
      };
      response.on('drain', write);
      write();
    };
    expect(await guarded.get(protocol)).toMatchObject({ status: 200, body: 'hello' });
    expect(guarded.upstream.seen[0].fields['x-user']).toBe('alice');
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });

  it('gives a denial of a megabyte to the client', async () => {
    const page = 'x'.repeat(1_048_576);
    guarded.auth.answer = (_, response) => response.writeHead(403).end(page);
    expect(await guarded.get(protocol)).toMatchObject({ status: 403, body: page });
  });

  it('asks again on a new connection when the auth server has closed the idle one', async () => {
    await guarded.get(protocol);
    let closed = false;
    guarded.auth.answer = (_, response) => {
      if (closed) response.writeHead(204).end();
      else response.socket?.destroy();
      closed = true;
    };
    expect(await guarded.get(protocol)).toMatchObject({ status: 200 });
  });

  it.each(['before it is asked', 'while it is asked'])(
    'leaves nothing behind of clients that leave %s',
    async (when) => {
      await guarded.get(protocol);
      const sockets = await openSockets(guarded.daemon);
      guarded.auth.asked.length = 0;
      guarded.auth.answer = () => {};
      const leaving = Array.from({ length: 20 }, () => guarded.ask(protocol, { method: 'POST', body: ['some'] }));
      if (when === 'while it is asked') await eventually('the auth requests', () => guarded.auth.asked.length === 20);
      for (const asked of leaving) asked.abort();
      await eventually('the ends of the auth requests', () => guarded.auth.asked.every(({ abandoned }) => abandoned));
      await socketsBackTo(guarded.daemon, sockets);
      expect(guarded.upstream.seen).toEqual([]);
      guarded.auth.reset();
      expect(await guarded.get(protocol)).toMatchObject({ status: 401 });
    },
  );
});

describe('forward_auth that fails open', () => {
  it('lets requests pass while the auth server is dead, without what clients forge, and asks again when it is back', async () => {
    const guarded = await Guarded.start({ plugin: { fail: 'open', add_headers: ['X-User'], timeout: '300ms' } });
    const { port } = guarded.auth;
    await guarded.auth.stop();
    for (const protocol of PROTOCOLS) {
      expect(await guarded.get(protocol, '/', { fields: { 'x-user': 'root' } })).toMatchObject({ status: 200 });
      expect(guarded.upstream.seen.at(-1)?.fields['x-user']).toBeUndefined();
    }
    const line = await guarded.daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('login'));
    expect(JSON.stringify(line)).toContain('auth_failed');
    const back = await AuthServer.start(port);
    for (const protocol of PROTOCOLS) expect(await guarded.get(protocol)).toMatchObject({ status: 401 });
    back.answer = (_, response) => response.writeHead(503).end('busy');
    for (const protocol of PROTOCOLS) expect(await guarded.get(protocol)).toMatchObject({ status: 503, body: 'busy' });
    back.answer = (_, response) => void response.writeHead(403, { 'Content-Length': '10' }).write('no');
    for (const protocol of PROTOCOLS) expect(await guarded.get(protocol)).toMatchObject({ status: 502 });
    await back.stop();
    await guarded.stop();
  });
});

describe('forward_auth and an auth server that is dead', () => {
  it('refuses requests at once', async () => {
    const guarded = await Guarded.start();
    await guarded.auth.stop();
    for (const protocol of PROTOCOLS) expect(await guarded.get(protocol)).toMatchObject({ status: 502 });
    await guarded.stop();
  });
});
