import { execFile } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { pairFor } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { TestUpstream } from '../testing/upstream.ts';

const run = promisify(execFile);

const DATA = JSON.stringify('y'.repeat(100_000));

/** Loads data, then events, of which each is sent when the page has said that it saw the one before. */
const PAGE = `<!doctype html><title>OLD TITLE</title><p id="out"></p><!-- ${'x'.repeat(3000)} --><script>
  const seen = [];
  fetch('/data.json').then((answer) => answer.text()).then((text) => {
    const { encodedBodySize, nextHopProtocol } = performance.getEntriesByName(new URL('/data.json', location).href)[0];
    const events = new EventSource('/events');
    events.onmessage = ({ data }) => {
      seen.push(data);
      fetch('/saw?' + data);
      if (seen.length < 3) return;
      events.close();
      const small = encodedBodySize < 1000 ? 'compressed' : encodedBodySize;
      out.textContent = [document.title, text.length, small, nextHopProtocol, 'events', ...seen].join(' ');
    };
  });
</script>`;

let upstream: TestUpstream;
let daemon: TestDaemon;
let profile: string;
let stream: ServerResponse | null = null;

beforeAll(async () => {
  upstream = await TestUpstream.start((asked, answer) => {
    const url = asked.url ?? '';
    if (url === '/') return void answer.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE);
    if (url === '/data.json') return void answer.writeHead(200, { 'Content-Type': 'application/json' }).end(DATA);
    if (url === '/events') {
      stream = answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
      return void stream.write('data: 1\n\n');
    }
    answer.writeHead(204).end();
    if (url === '/saw?3') stream?.end();
    else if (url.startsWith('/saw?')) stream?.write(`data: ${Number(url.slice(5)) + 1}\n\n`);
  });
  const { cert, key } = pairFor('localhost');
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  const secure = { listen: '127.0.0.1:0', routes, tls: true, tls_cert: 'own.crt', tls_key: 'own.key' };
  const services = {
    gzip: { ...secure, plugins: ['gzip', 'rename'] },
    br: { ...secure, plugins: ['br', 'rename'] },
    any: { ...secure, plugins: ['prox:compression', 'rename'] },
    plain: { listen: '127.0.0.1:0', routes, plugins: ['prox:compression', 'rename'] },
  };
  const plugins = {
    gzip: { category: 'compression', gzip_level: 6 },
    br: { category: 'compression', br_level: 6 },
    rename: { category: 'sub_filter', filters: [`sub_filter '<title>OLD' '<title>NEW'`] },
  };
  daemon = await TestDaemon.start({ plugins, services }, { files: { 'own.crt': cert, 'own.key': key } });
  profile = await mkdtemp(join(tmpdir(), 'prox-chromium-'));
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
  await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

/** The page as it stands when all that it loads has come. */
async function load(service: string): Promise<string> {
  const url = `${service === 'plain' ? 'http' : 'https'}://127.0.0.1:${daemon.port(service)}/`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const own = [`--user-data-dir=${join(profile, service)}`, '--ignore-certificate-errors'];
  const { stdout } = await run('chromium', [...flags, ...own, '--virtual-time-budget=60000', '--dump-dom', url], {
    timeout: 60_000,
  });
  return /<p id="out">([^<]*)/.exec(stdout)?.[1] ?? stdout;
}

describe('Chromium', { timeout: 90_000 }, () => {
  it.each([
    ['gzip', 'h2'],
    ['br', 'h2'],
    ['any', 'h2'],
    ['plain', 'http/1.1'],
  ])('decodes what comes as %s, over %s', async (service, protocol) => {
    expect(await load(service)).toBe(`NEW TITLE ${DATA.length} compressed ${protocol} events 1 2 3`);
  });
});
