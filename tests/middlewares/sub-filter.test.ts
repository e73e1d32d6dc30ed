import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { pairFor } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

const run = promisify(execFile);
const TLS = pairFor('localhost');

const LINE = '<a href="http://backend:8080/x">Old name</a> <!-- secret -->\n';
const CHANGED = '<a href="/x">New name</a> \n';
const PAGE = LINE.repeat(3000);
const RULES = [
  `sub_filter 'Old' 'New' g`,
  `subs_filter 'http://backend(:\\d+)?/' '/' g`,
  `subs_filter '<!--.*?-->' '' g`,
];

type Handler = (request: IncomingMessage, answer: ServerResponse) => void;

let upstream: TestUpstream;
let daemon: TestDaemon;
let answerTo: Handler;

function config(filters: readonly string[]): unknown {
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  const shared = { listen: '127.0.0.1:0', plugins: ['prox:compression', 'rename'], routes };
  return {
    plugins: { rename: { category: 'sub_filter', filters } },
    services: { web: shared, secure: { ...shared, tls: true, tls_cert: 'own.crt', tls_key: 'own.key' } },
  };
}

/** Answers in pieces, gzip where it may. */
const page: Handler = (asked, answer) => {
  answer.setHeader('Content-Type', 'text/html');
  answer.setHeader('ETag', '"page"');
  answer.setHeader('Last-Modified', 'Sat, 21 Nov 2026 10:00:00 GMT');
  if (asked.headers['accept-encoding']?.includes('gzip') === true) {
    answer.setHeader('Content-Encoding', 'gzip');
    return void answer.end(zlib.gzipSync(PAGE));
  }
  answer.setHeader('Content-Length', PAGE.length);
  if (asked.method === 'HEAD') return void answer.end();
  for (let at = 0; at < PAGE.length; at += 7001) answer.write(PAGE.slice(at, at + 7001));
  answer.end();
};

beforeAll(async () => {
  upstream = await TestUpstream.start((asked, answer) => answerTo(asked, answer));
  daemon = await TestDaemon.start(config(RULES), { files: { 'own.crt': TLS.cert, 'own.key': TLS.key } });
});
beforeEach(() => {
  answerTo = page;
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
});

const PROTOCOLS = [
  ['HTTP/1.1', 'web', '--http1.1'],
  ['HTTP/2', 'secure', '--http2'],
] as const;

async function curl(service: string, ...args: readonly string[]): Promise<string> {
  const url = `${service === 'web' ? 'http' : 'https'}://127.0.0.1:${daemon.port(service)}/`;
  const { stdout } = await run('curl', ['-sSk', '--max-time', '15', url, ...args], { maxBuffer: 64 << 20 });
  return stdout;
}

describe.each(PROTOCOLS)('over %s', (_, service, flag) => {
  it.each([[[]], [['--compressed']]])('the page has its text replaced, with the flags %j', async (more) => {
    expect((await curl(service, flag, ...more)) === CHANGED.repeat(3000)).toBe(true);
  });

  it.each([[[]], [['-I']]])('the head tells nothing of the old text, with the flags %j', async (more) => {
    const head = (await curl(service, flag, '-D', '-', '-o', '/dev/null', ...more)).toLowerCase();
    expect(head).toMatch(/^http\/[12.]+ 200/);
    expect(head).not.toMatch(/etag|last-modified|content-length/);
  });

  it('what is encoded all the same passes as it is', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip', ETag: '"a"' });
      answer.end(zlib.gzipSync(PAGE));
    };
    const got = await curl(service, flag, '--compressed', '-D', '-');
    expect(got.endsWith(PAGE)).toBe(true);
    expect(got).toContain('"a"');
  });

  it('ranges and 304 pass as they are', async () => {
    answerTo = (asked, answer) => {
      answer.setHeader('Content-Type', 'text/html');
      answer.setHeader('ETag', '"page"');
      if (asked.headers['if-none-match'] === '"page"') return void answer.writeHead(304).end();
      answer.writeHead(206, { 'Content-Range': `bytes 27-29/${PAGE.length}` });
      answer.end('Old');
    };
    expect(await curl(service, flag, '-r', '27-29')).toBe('Old');
    expect(await curl(service, flag, '-H', 'If-None-Match: "page"', '-w', '%{http_code}')).toBe('304');
  });

  it('trailers come behind the text', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html', Trailer: 'Server-Timing' });
      answer.write(LINE);
      answer.addTrailers({ 'Server-Timing': 'db;dur=1' });
      answer.end();
    };
    const got = await curl(service, flag, '-H', 'TE: trailers', '-D', '-');
    expect(got).toContain(CHANGED);
    expect(got.toLowerCase()).toContain('server-timing: db;dur=1');
  });
});

describe('a body', () => {
  it('that the upstream breaks off is cut, so that the client knows', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html' });
      answer.write(PAGE, () => answer.destroy());
    };
    await expect(curl('web')).rejects.toThrow(/transfer closed|Recv failure|reset/i);
    await expect(curl('secure')).rejects.toThrow(/HTTP\/2 stream|INTERNAL_ERROR|closed/i);
  });

  it('that clients break off a thousand times leaves nothing behind', async () => {
    const body = randomBytes(1_000_000);
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html' });
      answer.end(body);
    };
    const abort = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const socket = connect(daemon.port(), '127.0.0.1');
        socket.on('error', reject);
        socket.once('data', () => socket.destroy());
        socket.once('close', () => resolve());
        socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      });
    const round = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) await Promise.all(Array.from({ length: 20 }, abort));
    };
    expect(await daemon.reload(config([`sub_filter 'Old' 'New' g`]))).toBe(true);
    const sockets = await openSockets(daemon);
    await round();
    await socketsBackTo(daemon, sockets + upstream.open.size);
    const before = await daemon.rss();
    await round();
    await socketsBackTo(daemon, sockets + upstream.open.size);
    await eventually('its memory again', async () => (await daemon.rss()) < before + 60_000_000);
  });
});

describe('a reload', () => {
  it('changes what new requests get, and nothing of those under way', async () => {
    expect(await daemon.reload(config([`sub_filter 'Old' 'Fresh' g`]))).toBe(true);
    const slow: ServerResponse[] = [];
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html' });
      answer.write('Old ');
      slow.push(answer);
    };
    const begun = curl('web');
    await eventually('the request', () => Promise.resolve(slow.length === 1));
    expect(await daemon.reload(config([`sub_filter 'Old' 'Ancient' g`]))).toBe(true);
    slow[0].end('Old');
    expect(await begun).toBe('Fresh Fresh');
    answerTo = (_asked, answer) => void answer.writeHead(200, { 'Content-Type': 'text/html' }).end('Old Old');
    expect(await curl('web')).toBe('Ancient Ancient');
  });
});
