import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

const TEXT = 'The quick brown fox jumps over the lazy dog.\n'.repeat(20);
const LARGE = randomBytes(1_000_000);

/** How long a change may take to be seen: max_age, and a machine that has more to do. */
const MAX_AGE_MS = 300;

interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly body: string;
}

let daemon: TestDaemon;
let h2: H2Client;
let www: string;

const config = (root = './www', cache: object = { max_age: '300ms' }): unknown =>
  webConfig([{ match: { path: '/files/*' }, action: { type: 'serve', root, cache } }]);

beforeAll(async () => {
  const prepare = async (folder: string): Promise<string> => {
    www = join(folder, 'www');
    await mkdir(www);
    await mkdir(join(folder, 'other'));
    await writeFile(join(folder, 'secret.txt'), 'TOP SECRET');
    await writeFile(join(www, 'same.txt'), 'the first root');
    await writeFile(join(folder, 'other/same.txt'), 'the other root');
    await writeFile(join(www, 'text.txt'), TEXT);
    await writeFile(join(www, 'text.txt.br'), brotliCompressSync(TEXT));
    await writeFile(join(www, 'large.bin'), LARGE);
    return join(folder, 'prox.json5');
  };
  daemon = await TestDaemon.start(config(), { prepare });
  h2 = await H2Client.connect(daemon.url());
});
afterAll(async () => {
  h2.session.destroy();
  await daemon.stop();
});

async function overHttp1(path: string, fields: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines.join('')}Connection: close\r\n\r\n`;
  const text = await exchangeRaw(daemon.port(), head);
  const end = text.indexOf('\r\n\r\n');
  const [status, ...rest] = text.slice(0, end).split('\r\n');
  const pairs = rest.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]);
  return { status: Number(status.slice(9, 12)), fields: Object.fromEntries(pairs), body: text.slice(end + 4) };
}

async function overHttp2(path: string, fields: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { status, headers, body } = await h2.get(path, { ':method': method, ...fields });
  return { status, fields: headers, body };
}

const PROTOCOLS = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

describe.each(PROTOCOLS)('a file in memory, over %s', (_, ask) => {
  it('is what it is on the disk: whole, in ranges, under conditions, for HEAD', async () => {
    const first = await ask('/files/text.txt');
    const etag = String(first.fields['etag']);
    const since = String(first.fields['last-modified']);
    const cases: readonly [fields: Record<string, string>, method: string, status: number, body: string][] = [
      [{}, 'GET', 200, TEXT],
      [{}, 'HEAD', 200, ''],
      [{ range: 'bytes=4-8' }, 'GET', 206, 'quick'],
      [{ range: 'bytes=-5' }, 'GET', 206, 'dog.\n'],
      [{ range: 'bytes=4-8', 'if-range': '"other"' }, 'GET', 200, TEXT],
      [{ range: `bytes=${TEXT.length}-` }, 'GET', 416, ''],
      [{ 'if-none-match': etag }, 'GET', 304, ''],
      [{ 'if-none-match': '"other"' }, 'GET', 200, TEXT],
      [{ 'if-modified-since': since }, 'GET', 304, ''],
      [{ 'if-match': '"other"' }, 'GET', 412, ''],
    ];
    for (const [fields, method, status, body] of cases) {
      const answer = await ask('/files/text.txt', fields, method);
      expect([fields, method, answer.status, answer.body]).toEqual([fields, method, status, body]);
      if (status === 200) {
        expect(answer.fields).toMatchObject({ etag, 'last-modified': since, vary: 'Accept-Encoding' });
        expect(String(answer.fields['content-length'])).toBe(String(TEXT.length));
      }
    }
  });

  it('has its compressed siblings beside it', async () => {
    for (let time = 0; time < 3; time++) {
      const answer = await ask('/files/text.txt', { 'accept-encoding': 'br' }, 'HEAD');
      expect(answer.fields['content-encoding']).toBe('br');
      expect((await ask('/files/text.txt', { 'accept-encoding': 'gzip' })).body).toBe(TEXT);
    }
  });
});

describe('a file that changes', () => {
  const CHANGES: readonly [how: string, change: (path: string) => Promise<void>, status: number, body: string][] = [
    ['written over', (path) => writeFile(path, 'the second'), 200, 'the second'],
    ['truncated', (path) => truncate(path, 3), 200, 'the'],
    ['deleted', (path) => rm(path), 404, ''],
    ['replaced by a rename', (path) => replace(path, (next) => writeFile(next, 'renamed')), 200, 'renamed'],
    ['replaced by a link that leads out', (path) => replace(path, (next) => symlink('../secret.txt', next)), 404, ''],
  ];

  it.each(CHANGES)('%s is seen within max_age, and always whole', async (how, change, status, body) => {
    const name = `${how.replaceAll(' ', '-')}.txt`;
    await writeFile(join(www, name), 'the first');
    for (let time = 0; time < 3; time++) expect((await overHttp1(`/files/${name}`)).body).toBe('the first');
    await change(join(www, name));
    const changed = performance.now();
    let age = 0;
    await eventually('the change to be seen', async () => {
      const asked = performance.now();
      const answer = await overHttp1(`/files/${name}`);
      if (answer.status === status && (status !== 200 || answer.body === body)) return true;
      // Until then it is the file as it was, and no mix of the two.
      expect([answer.status, answer.body]).toEqual([200, 'the first']);
      age = asked - changed;
      return false;
    });
    expect(age).toBeLessThan(MAX_AGE_MS);
    expect((await overHttp2(`/files/${name}`)).status).toBe(status);
  });

  async function replace(path: string, make: (next: string) => Promise<void>): Promise<void> {
    await make(`${path}.next`);
    await rename(`${path}.next`, path);
  }
});

describe('large files in memory', () => {
  it('arrive whole at a client that stops reading, while others get them', async () => {
    await overHttp1('/files/large.bin');
    const slow = await RawClient.connect(daemon.port());
    slow.socket.pause();
    const request = 'GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n';
    slow.send(request.repeat(20));
    for (let time = 0; time < 3; time++) {
      const { body } = await overHttp1('/files/large.bin');
      expect(Buffer.from(body, 'latin1').equals(LARGE)).toBe(true);
    }
    slow.socket.resume();
    const whole = LARGE.toString('latin1');
    await slow.until(() => slow.received.length > 20 * LARGE.length && slow.received.endsWith(whole));
    const answers = slow.received.split('HTTP/1.1 200 OK\r\n').slice(1);
    expect(answers.map((answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4) === whole)).toEqual(
      Array.from({ length: 20 }, () => true),
    );
    slow.destroy();
  });

  it('cost no memory for each client that does not read', async () => {
    await overHttp1('/files/large.bin');
    const before = await daemon.rss();
    const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(daemon.port())));
    for (const client of clients) {
      client.socket.once('data', () => client.socket.pause());
      client.send('GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(30));
    }
    await Promise.all(clients.map((client) => client.until(() => client.received !== '')));
    await overHttp1('/files/large.bin');
    expect((await daemon.rss()) - before).toBeLessThan(30 * LARGE.length);
    for (const client of clients) client.destroy();
  });
});

describe('a reload', () => {
  it('to another root never sends a file of the one before', async () => {
    expect((await overHttp1('/files/same.txt')).body).toBe('the first root');
    const kept = await RawClient.connect(daemon.port());
    const ask = async (): Promise<string> => {
      const from = kept.received.length;
      kept.send('GET /files/same.txt HTTP/1.1\r\nHost: a\r\n\r\n');
      await kept.until(() => kept.received.slice(from).endsWith('root'));
      return kept.received.slice(from).split('\r\n\r\n')[1];
    };
    expect(await ask()).toBe('the first root');
    expect(await daemon.reload(config('./other', { max_age: '1h' }))).toBe(true);
    expect(await ask()).toBe('the other root');
    expect((await overHttp1('/files/same.txt')).body).toBe('the other root');
    kept.destroy();
  });

  it('can turn the cache off', async () => {
    expect(await daemon.reload(config('./www', { size: 0 }))).toBe(true);
    for (const body of ['one', 'two', 'three']) {
      await writeFile(join(www, 'off.txt'), body);
      expect((await overHttp1('/files/off.txt')).body).toBe(body);
    }
  });
});
