import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pairFor } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { freePort } from '../testing/ports.ts';
import { folderOf, removeFolder, run, runProx } from '../testing/run-prox.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The fenced blocks of a language in a page, each with the line that it begins at. */
function blocks(text: string, language: string): { readonly line: number; readonly code: string }[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    code: match[1],
  }));
}

/** A copy of config/ and certs/ with development certificates, so that nothing in the project is written to. */
let copy: string;
beforeAll(async () => {
  copy = await folderOf({});
  for (const name of ['config', 'certs']) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  const made = await run('bash', [join(copy, 'certs/make-dev-certs.sh')]);
  if (made.code !== 0) throw new Error(made.stderr);
});
afterAll(() => removeFolder(copy));

const examples = (await readdir(join(ROOT, 'config/examples'))).map((name) => `config/examples/${name}`);

describe('the examples', () => {
  it.each(['config/prox.json5', ...examples])('%s is valid', async (path) => {
    const { code, stderr } = await runProx(['validate', '-config', path], { cwd: copy });
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('of certs/ makes a certificate that its own authority has signed', async () => {
    const { code, stdout } = await run('openssl', ['verify', '-CAfile', 'ca/ca.crt', 'dev.crt'], {
      cwd: join(copy, 'certs'),
    });
    expect([code, stdout]).toEqual([0, 'dev.crt: OK\n']);
    expect((await readdir(join(copy, 'certs'))).toSorted()).toEqual(
      ['README.md', 'ca', 'dev.crt', 'dev.key', 'make-dev-certs.sh'].toSorted(),
    );
  });
});

const pages = [
  'README.md',
  ...(await readdir(join(ROOT, 'docs'), { recursive: true }))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const configs: { name: string; code: string }[] = [];
for (const page of pages) {
  const text = await readFile(join(ROOT, page), 'utf8');
  for (const { line, code } of blocks(text, 'json5')) configs.push({ name: `${page}:${line}`, code });
}

/** A block may show a whole config, or a part of one: parts are put where they belong. */
function completed(code: string): string {
  if (/^\s*services\s*:|\{\s*services\s*:/m.test(code)) return code;
  const service = `services: { web: { listen: ':8080', routes: [{ action: { type: 'drop' } }] } }`;
  const inner = code
    .trim()
    .replace(/^(\/\/.*\n)*\{/, '')
    .replace(/\}\s*$/, '');
  return `{ ${service},\n${inner}\n}`;
}

describe('the configs that the documentation shows', () => {
  const pair = pairFor('example.com');

  it('are there', () => expect(configs.length).toBeGreaterThan(2));

  it.each(configs)('$name is valid', async ({ code }) => {
    const folder = await folderOf({
      'prox.json5': completed(code),
      'public/index.html': '',
      'www/index.html': '',
      'certs/example.crt': pair.cert,
      'certs/example.key': pair.key,
    });
    await mkdir(join(folder, 'logs'));
    const { code: status, stderr } = await runProx(['validate', '-config', 'prox.json5'], { cwd: folder });
    await removeFolder(folder);
    // Examples may name zstd, which older Node versions do not have.
    expect(stderr.replace(/^warning: .*: zstd is not offered to clients: it needs Node .*\n/m, '')).toBe('');
    expect(status).toBe(0);
  });
});

describe('the first steps of the README', () => {
  let daemon: TestDaemon;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    const upstream = await freePort();
    const text = (await readFile(join(ROOT, 'config/prox.json5'), 'utf8'))
      .replaceAll('8080', String(port))
      .replaceAll('8081', String(upstream));
    const prepare = async (folder: string): Promise<string> => {
      await cp(join(ROOT, 'config/www'), join(folder, 'www'), { recursive: true });
      return join(folder, 'prox.json5');
    };
    daemon = await TestDaemon.start(text, { prepare });
  });
  afterAll(() => daemon.stop());

  /** What each `curl` line of the README answers. */
  const shown: Readonly<Record<string, (body: string) => void>> = {
    '/': (body) => expect(body).toMatch(/<title>.*prox/i),
    '/status': (body) => expect(JSON.parse(body)).toEqual({ status: 'ok' }),
    '/api/users': (body) =>
      expect(JSON.parse(body)).toEqual([
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Grace' },
      ]),
    '/api/anything': (body) =>
      expect(JSON.parse(body)).toMatchObject({ from: 'the upstream', method: 'GET', path: '/api/anything' }),
  };

  it('answer as they say, every curl line', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const lines = [...readme.matchAll(/^ {4}curl (http:\/\/localhost:8080(\/\S*))/gm)];
    expect(lines.map(([, , path]) => path)).toEqual(Object.keys(shown));
    for (const [, url, path] of lines) {
      const { code, stdout } = await run('curl', ['-sf', url.replace('8080', String(port))]);
      expect([path, code]).toEqual([path, 0]);
      shown[path]?.(stdout);
    }
  });

  it('answer as the comments of the config say', async () => {
    const text = await readFile(join(ROOT, 'config/prox.json5'), 'utf8');
    const lines = [...text.matchAll(/^\/\/ {3}curl http:\/\/localhost:8080(\/\S*)/gm)];
    expect(lines.length).toBeGreaterThan(2);
    for (const [, path] of lines) {
      const { stdout } = await run('curl', ['-sf', `http://localhost:${port}${path}`]);
      shown[path]?.(stdout);
    }
  });

  it('serve the welcome page with everything that it links to', async () => {
    const page = await (await fetch(`http://localhost:${port}/`)).text();
    const links = [...page.matchAll(/(?:href|src)="(\/?[\w./-]+)"/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) {
      const response = await fetch(new URL(link, `http://localhost:${port}/`));
      await response.arrayBuffer();
      expect([link, response.status]).toEqual([link, 200]);
    }
  });

  it('show a change of the config at once', async () => {
    const text = await readFile(daemon.configPath, 'utf8');
    expect(await daemon.reload(text.replace("status: 'ok'", "status: 'changed'"))).toBe(true);
    expect(await (await fetch(`http://localhost:${port}/status`)).json()).toEqual({ status: 'changed' });
  });
});
