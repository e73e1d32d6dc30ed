import { createHash, randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { run } from '../testing/run-prox.ts';

const SECRET = 'TOP SECRET';
const TEXT = 'The quick brown fox jumps over the lazy dog.\n'.repeat(20);
const LARGE = randomBytes(32 * 1024 * 1024);

let daemon: TestDaemon;

beforeAll(async () => {
  const prepare = async (folder: string): Promise<string> => {
    const www = join(folder, 'www');
    await mkdir(join(www, 'sub'), { recursive: true });
    await mkdir(join(www, 'empty'));
    await writeFile(join(folder, 'secret.txt'), SECRET);
    await writeFile(join(www, 'index.html'), '<h1>index</h1>');
    await writeFile(join(www, 'sub/index.html'), '<h1>sub</h1>');
    await writeFile(join(www, 'text.txt'), TEXT);
    await writeFile(join(www, 'text.txt.gz'), gzipSync(TEXT));
    await writeFile(join(www, 'text.txt.br'), brotliCompressSync(TEXT));
    await writeFile(join(www, 'large.bin'), LARGE);
    await writeFile(join(www, 'a b+ä.css'), 'body {}');
    await symlink('../secret.txt', join(www, 'link.txt'));
    await symlink('..', join(www, 'up'));
    return join(folder, 'prox.json5');
  };
  const routes = [
    { match: { path: '/files/*' }, action: { type: 'serve', root: './www' } },
    { match: { path: '/one' }, action: { type: 'serve', file: './www/text.txt' } },
    {
      match: { domain: '*.pages.**', path: '/page/*' },
      action: {
        type: 'static',
        status: 203,
        headers: { 'X-Sub': '{match.domain}', 'X-Rest': '{match.glob}' },
        body_ref: { text: '{method} {host} {domain} {domain.pattern} {path} {match.path} {{unknown}}' },
      },
    },
    { match: { path: '/json' }, action: { type: 'static', status: 200, body_ref: { json: { path: '{path}', n: 1 } } } },
    { match: { domain: 'root.test' }, action: { type: 'serve', root: './www' } },
  ];
  daemon = await TestDaemon.start(webConfig(routes), { prepare });
});
afterAll(() => daemon.stop());

/** A request as it is written, on a connection of its own. */
async function ask(
  target: string,
  fields = '',
  host = 'a.test',
  method = 'GET',
): Promise<{ status: number; head: string; body: string }> {
  const text = await exchangeRaw(
    daemon.port(),
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}Connection: close\r\n\r\n`,
  );
  const end = text.indexOf('\r\n\r\n');
  return { status: Number(text.slice(9, 12)), head: text.slice(0, end), body: text.slice(end + 4) };
}

const field = (head: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim();

describe('serve', () => {
  it.each([
    ['/files/text.txt', 200, 'text/plain', TEXT],
    ['/files/', 200, 'text/html', '<h1>index</h1>'],
    ['/files/sub/', 200, 'text/html', '<h1>sub</h1>'],
    ['/files/a%20b+%c3%a4.css', 200, 'text/css', 'body {}'],
    ['/files/./sub/../text.txt?query', 200, 'text/plain', TEXT],
    ['/one', 200, 'text/plain', TEXT],
  ])('answers %s', async (target, status, type, body) => {
    const answer = await ask(target);
    expect(answer).toMatchObject({ status, body });
    expect(field(answer.head, 'content-type')).toContain(type);
    expect(field(answer.head, 'content-length')).toBe(String(Buffer.byteLength(body)));
  });

  it.each([
    ['/files/none.txt'],
    ['/files/empty/'],
    ['/files/text.txt/'],
    ['/files/text.txt/more'],
    ['/files/nul%00.txt'],
    ['/elsewhere'],
  ])('has nothing at %s', async (target) => {
    expect((await ask(target)).status).toBe(404);
  });

  it.each([
    ['/files/../secret.txt'],
    ['/files/%2e%2e/secret.txt'],
    ['/files/.%2e/secret.txt'],
    ['/files/..%2fsecret.txt'],
    ['/files/..%5csecret.txt'],
    ['/files/%252e%252e/secret.txt'],
    ['/files/sub/../../secret.txt'],
    ['/files//../secret.txt'],
    ['/files/..;/secret.txt'],
    ['/files/%c0%ae%c0%ae/secret.txt'],
    ['/files/link.txt'],
    ['/files/up/secret.txt'],
    ['/files/sub/%2e%2e%2f%2e%2e%2fsecret.txt'],
    ['http://a.test/files/../secret.txt'],
  ])('lets no path lead out of root: %s', async (target) => {
    for (const host of ['a.test', 'root.test']) {
      const { status, body } = await ask(host === 'a.test' ? target : target.replace('/files', ''), '', host);
      expect(body).not.toContain(SECRET);
      expect([400, 404]).toContain(status);
    }
  });

  it('answers conditions with 304 and 412', async () => {
    const first = await ask('/files/text.txt');
    const [tag, date] = [field(first.head, 'etag') ?? '', field(first.head, 'last-modified') ?? ''];
    expect(tag).toMatch(/^(W\/)?".+"$/);
    const cases: [string, number][] = [
      [`If-None-Match: ${tag}\r\n`, 304],
      [`If-None-Match: "other", ${tag}\r\n`, 304],
      ['If-None-Match: "other"\r\n', 200],
      [`If-Modified-Since: ${date}\r\n`, 304],
      ['If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n', 200],
      ['If-Match: "other"\r\n', 412],
      ['If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n', 412],
    ];
    for (const [fields, status] of cases) {
      const answer = await ask('/files/text.txt', fields);
      expect([fields, answer.status]).toEqual([fields, status]);
      if (status === 304) expect(answer.body).toBe('');
    }
  });

  it('answers ranges: one, several, from the end, and one that cannot be', async () => {
    const size = TEXT.length;
    const one = await ask('/files/text.txt', 'Range: bytes=4-8\r\n');
    expect(one).toMatchObject({ status: 206, body: 'quick' });
    expect(field(one.head, 'content-range')).toBe(`bytes 4-8/${size}`);
    expect(await ask('/files/text.txt', 'Range: bytes=-5\r\n')).toMatchObject({ status: 206, body: 'dog.\n' });
    const several = await ask('/files/text.txt', 'Range: bytes=0-2, 10-14\r\n');
    expect(several.status).toBe(206);
    expect(field(several.head, 'content-type')).toMatch(/^multipart\/byteranges; *boundary=/);
    expect(several.body).toContain(`0-2/${size}\r\n\r\nThe\r\n`);
    expect(several.body).toContain(`10-14/${size}\r\n\r\nbrown\r\n`);
    const none = await ask('/files/text.txt', `Range: bytes=${size}-\r\n`);
    expect(none.status).toBe(416);
    expect(field(none.head, 'content-range')).toBe(`bytes */${size}`);
    expect((await ask('/files/text.txt', 'Range: bytes=0-1\r\nIf-Range: "other"\r\n')).status).toBe(200);
  });

  it.each([
    ['br, gzip', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['identity', undefined],
  ])('sends the sibling for Accept-Encoding %s: %s', async (accepted, coding) => {
    const answer = await ask('/files/text.txt', `Accept-Encoding: ${accepted}\r\n`);
    expect(field(answer.head, 'content-encoding')).toBe(coding);
    expect(field(answer.head, 'vary')).toMatch(/^accept-encoding$/i);
    expect(field(answer.head, 'content-type')).toContain('text/plain');
    if (coding !== undefined) expect(answer.body.length).toBeLessThan(TEXT.length);
  });

  it('gives what curl --compressed takes back', async () => {
    const { stdout } = await run('curl', ['-s', '--compressed', daemon.url('/files/text.txt')]);
    expect(stdout).toBe(TEXT);
  });

  it('answers HEAD without a body, and nothing but GET and HEAD', async () => {
    const head = await ask('/files/text.txt', '', 'a.test', 'HEAD');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(field(head.head, 'content-length')).toBe(String(TEXT.length));
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await ask('/files/text.txt', '', 'a.test', method);
      expect(answer.status).toBe(405);
      expect(field(answer.head, 'allow')).toBe('GET, HEAD');
    }
  });

  it('holds little of a large file for a reader that pauses, and sends all of it', async () => {
    const before = await daemon.rss();
    const client = await RawClient.connect(daemon.port());
    const hash = createHash('sha256');
    let bytes = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    client.send('GET /files/large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    let head = 0;
    client.socket.prependOnceListener('data', (chunk: Buffer) => (head = chunk.indexOf('\r\n\r\n') + 4));
    let most = 0;
    while (!client.ended) {
      most = Math.max(most, await daemon.rss());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(bytes - head).toBe(LARGE.length);
    expect(most - before).toBeLessThan(24 * 1024 * 1024);
    client.destroy();
  });
});

describe('static', () => {
  it('fills its placeholders from the request', async () => {
    const answer = await ask('/page/x%41?y', '', 'One.pages.b.c:80');
    expect(answer.status).toBe(203);
    expect(answer.body).toBe('GET One.pages.b.c:80 one.pages.b.c *.pages.** /page/xA /page/* {{unknown}}');
    expect(field(answer.head, 'x-sub')).toBe('one');
    expect(field(answer.head, 'x-rest')).toBe('b.c');
  });

  it('keeps JSON valid whatever the request holds', async () => {
    const answer = await ask('/json');
    expect(field(answer.head, 'content-type')).toContain('application/json');
    expect(JSON.parse(answer.body)).toEqual({ path: '/json', n: 1 });
  });
});
