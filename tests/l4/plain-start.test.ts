import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';

/** An empty SETTINGS frame, as it follows the preface (RFC 9113 §3.4). */
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

let daemon: TestDaemon;

beforeAll(async () => {
  const action = { type: 'static', status: 200, body_ref: { text: '{method}{path};' } };
  daemon = await TestDaemon.start(webConfig([{ action }], { config: { header_timeout: '1s' } }));
});
afterAll(() => stopHealthy(daemon));

function request(method: string, path: string, last = true): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\n${last ? 'Connection: close\r\n' : ''}Content-Length: 0\r\n\r\n`;
}

/** Sends two pieces that are read one after the other, and returns the connection. */
async function inTwo(text: string, cut: number): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port());
  client.socket.setNoDelay(true);
  client.send(text.slice(0, cut));
  await new Promise((resolve) => setImmediate(resolve));
  return client.send(text.slice(cut));
}

describe('a plain connection', () => {
  it.each(['POST', 'PUT', 'PATCH', 'PROPFIND', 'PR', 'PRIX', 'GET'])(
    'speaks HTTP/1.1 with %s, wherever its first bytes are cut',
    async (method) => {
      const text = request(method, '/p');
      for (let cut = 1; cut < 8; cut++) {
        const client = await inTwo(text, cut);
        expect(await client.toEnd()).toContain(`${method}/p;`);
        client.destroy();
      }
    },
  );

  it('speaks HTTP/2 with the preface, wherever that is cut', async () => {
    for (let cut = 1; cut < PREFACE.length; cut++) {
      const client = await inTwo(PREFACE + SETTINGS, cut);
      // The first frame of a server is SETTINGS (RFC 9113 §3.4).
      await client.until(() => client.received.length >= 9, 'a frame');
      expect(client.received.charCodeAt(3)).toBe(4);
      client.destroy();
    }
  });

  it('answers pipelined requests in order, the first ones split from the others or not', async () => {
    const all = request('POST', '/1', false) + request('PUT', '/2', false) + request('GET', '/3');
    for (const cut of [1, 2, 3, 4, 60, all.length]) {
      const client = await inTwo(all, cut);
      const bodies = (await client.toEnd()).match(/[A-Z]+\/\d;/g);
      expect(bodies).toEqual(['POST/1;', 'PUT/2;', 'GET/3;']);
      client.destroy();
    }
  });

  it.each(['PRI ', 'PRI x HTTP/1.1\r\nHost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', `PRI ${'x'.repeat(5000)}`])(
    'is closed when it begins like HTTP/2 and goes on otherwise: %j',
    async (bytes) => {
      const client = await RawClient.connect(daemon.port());
      client.send(bytes).end();
      await client.gone();
      expect(client.received).not.toContain('PRI;');
    },
  );

  it('that stops inside of the preface is answered 408, like every request that was begun', async () => {
    expect(await exchangeRaw(daemon.port(), 'PRI')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that says nothing is closed after header_timeout', async () => {
    expect(await exchangeRaw(daemon.port(), '')).toBe('');
  });
});

describe('a connection that has not said anything when prox stops', () => {
  it('is answered when its request was under way, and closed soon otherwise', async () => {
    const action = { type: 'static', status: 200, body_ref: { text: 'answered' } };
    const stopping = await TestDaemon.start(webConfig([{ action }]));
    const [late, silent] = [await RawClient.connect(stopping.port()), await RawClient.connect(stopping.port())];
    // A third one shows that both were accepted.
    await exchangeRaw(stopping.port(), request('GET', '/'));
    stopping.signal('SIGTERM');
    await stopping.logged(({ msg }) => msg === 'stopping');
    late.send(request('GET', '/', false));
    expect(await late.toEnd()).toContain('answered');
    expect(await silent.toEnd()).toBe('');
    expect(await stopping.end()).toBe(0);
    await stopping.stop();
  });
});
