import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ProxyError } from '../base/index.ts';
import { normalizePath } from '../message/index.ts';
import { isInside, realPathByName, ServeRoot } from './contained-file.ts';
import { answerWithFile } from './file-answer.ts';
import { FileTree } from './file-source.ts';
import { fileError, openFile, type OpenFile } from './open-file.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { LASTING_CACHE, NO_CACHE } from './testing/serve-cache.ts';
import { ServedFolder } from './testing/served-folder.ts';
import { ServedFiles } from './served-files.ts';

const folder = new ServedFolder();
const SECRET = 'SECRET';

async function get(path: string, root = folder.root): Promise<MemoryExchange> {
  const source = new FileTree(root, []);
  const exchange = await getFrom(new ServedFiles(source, NO_CACHE), path);
  const cached = new ServedFiles(source, LASTING_CACHE);
  for (let time = 0; time < 2; time++) {
    const again = await getFrom(cached, path);
    expect([again.events, again.body]).toEqual([exchange.events, exchange.body]);
  }
  return exchange;
}

async function getFrom(files: ServedFiles, path: string, fields = {}): Promise<MemoryExchange> {
  const exchange = new MemoryExchange({ path, fields });
  await answerWithFile(exchange, files);
  expect(exchange.violations).toEqual([]);
  return exchange;
}

async function contentOf(opened: OpenFile): Promise<string> {
  const buffer = Buffer.alloc(100);
  return buffer.toString('utf8', 0, await opened.read(buffer, 0, buffer.length, 0));
}

beforeAll(() => {
  folder.write({
    'secret.txt': SECRET,
    'www-secret/secret.txt': SECRET,
    'www/index.html': 'public',
    'www/a/b/page.html': 'public',
    'www/..data-1/x': 'public',
  });
  folder.link('www/out-relative', '../secret.txt');
  folder.link('www/out-absolute', folder.path('secret.txt'));
  folder.link('www/out-folder', '..');
  folder.link('www/out-chain', 'out-folder/secret.txt');
  folder.link('www/out-prefix', '../www-secret/secret.txt');
  folder.link('www/out-device', '/dev/zero');
  folder.link('www/out-proc', '/proc/self/environ');
  folder.link('www/a/index.html', '../../secret.txt');
  folder.link('www/page.html.gz', '../secret.txt');
  folder.write({ 'www/page.html': 'public' });
  folder.link('www/loop', 'loop');
  folder.link('www/dangling', 'nowhere');
  folder.link('www/in-relative', 'a/b/page.html');
  folder.link('www/in-absolute', folder.path('www/a/b/page.html'));
  folder.link('www/in-folder', 'a/b');
  folder.link('www/in-hidden', '..data-1/x');
  folder.link('www/in-detour', '../www/a/b/page.html');
});

afterAll(() => folder.remove());

/** The content of a link that is replaced all the time, or the code of the error. */
async function outcomeOf(root: ServeRoot): Promise<string> {
  try {
    const opened = await root.open('racing/link');
    const content = await contentOf(opened);
    await opened.close();
    return content;
  } catch (error) {
    return ProxyError.from(error).code;
  }
}

describe('symbolic links', () => {
  it.each([
    '/out-relative',
    '/out-absolute',
    '/out-folder',
    '/out-folder/',
    '/out-folder/secret.txt',
    '/out-folder/www-secret/secret.txt',
    '/out-chain',
    '/out-prefix',
    '/out-device',
    '/out-proc',
    '/a/',
    '/loop',
    '/loop/x',
    '/dangling',
  ])('do not lead out of the root: %s', async (path) => {
    const exchange = await get(path);
    expect(exchange.events).toEqual(['fail not_found']);
  });

  it.each(['/in-relative', '/in-absolute', '/in-folder/page.html', '/in-hidden', '/in-detour'])(
    'are followed below the root: %s',
    async (path) => {
      expect((await get(path)).body.toString()).toBe('public');
    },
  );

  it('of a compressed sibling do not lead out either: the original is sent', async () => {
    const source = new FileTree(folder.root, []);
    for (const cache of [NO_CACHE, LASTING_CACHE]) {
      const exchange = await getFrom(new ServedFiles(source, cache), '/page.html', { 'Accept-Encoding': 'gzip' });
      expect([exchange.body.toString(), exchange.field('Content-Encoding')]).toEqual(['public', null]);
    }
  });

  it('may be the root itself, and be put elsewhere while files are served', async () => {
    folder.write({ 'releases/1/v': 'one', 'releases/2/v': 'two' });
    folder.link('current', 'releases/1');
    const files = new ServedFiles(new FileTree(folder.path('current'), []), NO_CACHE);
    const seen: string[] = [];
    for (const release of ['1', '2', '1']) {
      symlinkSync(`releases/${release}`, folder.path('next'));
      renameSync(folder.path('next'), folder.path('current'));
      seen.push((await getFrom(files, '/v')).body.toString());
    }
    expect(seen).toEqual(['one', 'two', 'one']);
  });

  it('may be swapped below the root, as Kubernetes does', async () => {
    folder.write({ 'www/volume/..1/conf': 'one', 'www/volume/..2/conf': 'two' });
    folder.link('www/volume/..data', '..1').link('www/volume/conf', '..data/conf');
    expect((await get('/volume/conf')).body.toString()).toBe('one');
    symlinkSync('..2', folder.path('www/volume/..tmp'));
    renameSync(folder.path('www/volume/..tmp'), folder.path('www/volume/..data'));
    expect((await get('/volume/conf')).body.toString()).toBe('two');
  });

  it('that change all the time never let anything out', async () => {
    folder.write({ 'www/racing/inside': 'public' });
    const link = folder.path('www/racing/link');
    const root = new ServeRoot(folder.root);
    symlinkSync('inside', link);
    const outcomes = new Set<string>();
    for (let i = 0; i < 300; i++) {
      // While the file is opened and judged, the link is replaced again and again.
      const opening = outcomeOf(root);
      for (let swap = 0; swap < 4; swap++) {
        symlinkSync(swap % 2 === 0 ? '../../secret.txt' : 'inside', `${link}.new`);
        renameSync(`${link}.new`, link);
        await new Promise((resolve) => setImmediate(resolve));
      }
      outcomes.add(await opening);
    }
    expect([...outcomes].filter((outcome) => outcome !== 'public' && outcome !== 'not_found')).toEqual([]);
  });
});

describe('traversal', () => {
  const vectors = [
    '/../secret.txt',
    '/a/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%2fsecret.txt',
    '/%252e%252e%252fsecret.txt',
    '/..%252fsecret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/%c0%ae%c0%ae%c0%afsecret.txt',
    '/%uff0e%uff0e/secret.txt',
    '/..\\secret.txt',
    '/..%5csecret.txt',
    '/%5c..%5csecret.txt',
    '/....//secret.txt',
    '/..;/secret.txt',
    '/.%00./secret.txt',
    '/..%00/secret.txt',
    '/%00/../secret.txt',
    '/../www-secret/secret.txt',
    '-secret/secret.txt',
    '/-secret/secret.txt',
    '//../secret.txt',
    '/./../secret.txt',
    `/${'a/'.repeat(50)}${'../'.repeat(52)}secret.txt`,
    '/etc/passwd',
    '//etc/passwd',
    'file:///etc/passwd',
    '/proc/self/environ',
  ];

  it.each(vectors)('%s leads nowhere, raw or normalised', async (vector) => {
    for (const path of [vector, normalizePath(vector) ?? vector]) {
      const exchange = await get(path);
      expect(exchange.events).toEqual(['fail not_found']);
    }
  });

  it('of any kind gets nothing but what lies below the root', async () => {
    const pieces = [
      '..',
      '.',
      '/',
      '%2e',
      '%2f',
      '%5c',
      '\\',
      'a',
      'b',
      'secret.txt',
      'out-folder',
      'page.html',
      'www',
      '%00',
    ];
    const path = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => `/${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(path, async (text) => {
        const exchange = await get(text);
        expect(exchange.body.toString()).not.toContain(SECRET);
        expect([200, 308, 404]).toContain(exchange.status);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a path that is not a regular file', () => {
  it('is a 404, and a FIFO delays no request', async () => {
    execFileSync('mkfifo', [folder.path('www/fifo')]);
    expect((await get('/fifo')).events).toEqual(['fail not_found']);
  });

  it('is a 404 when it is a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(folder.path('www/socket'), resolve));
    expect((await get('/socket')).events).toEqual(['fail not_found']);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('realPathByName', () => {
  it('is the path without symbolic links', async () => {
    const opened = await openFile(folder.path('www/in-folder/page.html'));
    expect(await realPathByName(opened, folder.path('www/in-folder/page.html'))).toBe(folder.path('www/a/b/page.html'));
    await opened.close();
  });

  it('fails when the path leads elsewhere by now', async () => {
    folder.write({ 'www/replaced': 'public' });
    folder.link('www/replacing', '../secret.txt');
    const opened = await openFile(folder.path('www/replacing'));
    unlinkSync(folder.path('www/replacing'));
    symlinkSync('replaced', folder.path('www/replacing'));
    await expect(realPathByName(opened, folder.path('www/replacing'))).rejects.toMatchObject({ code: 'not_found' });
    await opened.close();
  });
});

describe('ServeRoot', () => {
  it('opens a file that was replaced in the meantime', async () => {
    writeFileSync(folder.path('www/deleted'), 'old');
    const opened = await new ServeRoot(folder.root).open('deleted');
    unlinkSync(folder.path('www/deleted'));
    expect(await contentOf(opened)).toBe('old');
    await opened.close();
  });

  it('tells folders from files', async () => {
    mkdirSync(folder.path('www/kinds'));
    const opened = await new ServeRoot(folder.root).open('kinds');
    await opened.close();
    expect(opened.kind).toBe('folder');
  });
});

describe('isInside', () => {
  const CASES: readonly [real: string, root: string, inside: boolean][] = [
    ['/srv/www/a', '/srv/www', true],
    ['/srv/www', '/srv/www', true],
    ['/srv/www (deleted)', '/srv/www', false],
    ['/srv/www-secret/a', '/srv/www', false],
    ['/srv', '/srv/www', false],
    ['/a', '/', true],
  ];
  it.each(CASES)('%s in %s: %s', (real, root, inside) => {
    expect(isInside(real, root)).toBe(inside);
  });
});

describe('fileError', () => {
  const CASES: readonly [errno: string, code: string, status: number][] = [
    ['ENOENT', 'not_found', 404],
    ['ENOTDIR', 'not_found', 404],
    ['ENAMETOOLONG', 'not_found', 404],
    ['ELOOP', 'not_found', 404],
    ['ENXIO', 'not_found', 404],
    ['EACCES', 'file_error', 403],
    ['EPERM', 'file_error', 403],
    ['EMFILE', 'file_error', 500],
    ['ENFILE', 'file_error', 500],
    ['EIO', 'file_error', 500],
  ];

  it.each(CASES)('%s is %s, %d', (errno, code, status) => {
    const thrown = Object.assign(new Error(errno), { code: errno, syscall: 'open' });
    expect(fileError(thrown, '/srv/a')).toMatchObject({ code, status, cause: thrown });
  });

  it('leaves the errors of others alone', async () => {
    const handle = await open(folder.path('secret.txt'));
    await handle.close();
    const error = await handle.stat().then(
      () => null,
      (thrown: unknown) => fileError(thrown, '/srv/a'),
    );
    expect(error).toMatchObject({ code: 'file_error', status: 500 });
  });
});
