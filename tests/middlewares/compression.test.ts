import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
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

const LEVELS = { gzip_level: 6, br_level: 4 };
/** Text that compresses to about a fifth. */
const PAGE = Buffer.from(randomBytes(10_000).toString('hex').replaceAll(/[0-9]/g, ' the quick brown fox ')).subarray(
  0,
  50_000,
);
const ETAG = '"page"';

type Handler = (request: IncomingMessage, answer: ServerResponse) => void;

let upstream: TestUpstream;
let daemon: TestDaemon;
let answerTo: Handler;

function config(fields: Record<string, unknown>): unknown {
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  const shared = { listen: '127.0.0.1:0', plugins: ['squeeze'], routes };
  return {
    plugins: { squeeze: { category: 'compression', ...fields } },
    services: { web: shared, secure: { ...shared, tls: true, tls_cert: 'own.crt', tls_key: 'own.key' } },
  };
}

const TLS = pairFor('localhost');

/** Answers with the page as an upstream that knows conditions and ranges. */
function page(asked: IncomingMessage, answer: ServerResponse): void {
  answer.setHeader('ETag', ETAG);
  answer.setHeader('Accept-Ranges', 'bytes');
  answer.setHeader('Content-Type', 'text/html');
  const known = asked.headers['if-none-match'];
  // RFC 9110 §13.1.2: compared weakly.
  if (known?.replaceAll('W/', '').includes(ETAG)) return void answer.writeHead(304).end();
  if (asked.headers.range === 'bytes=0-9') {
    answer.writeHead(206, { 'Content-Range': `bytes 0-9/${PAGE.length}`, 'Content-Length': 10 });
    return void answer.end(PAGE.subarray(0, 10));
  }
  answer.writeHead(200, { 'Content-Length': PAGE.length });
  answer.end(asked.method === 'HEAD' ? undefined : PAGE);
}

beforeAll(async () => {
  upstream = await TestUpstream.start((asked, answer) => answerTo(asked, answer));
  const files = { 'own.crt': TLS.cert, 'own.key': TLS.key };
  daemon = await TestDaemon.start(config(LEVELS), { files });
});
beforeEach(() => {
  answerTo = page;
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
});

/** Where each protocol is spoken, and the flag of curl for it. */
const PROTOCOLS = [
  ['HTTP/1.1', 'web', '--http1.1'],
  ['HTTP/2', 'secure', '--http2'],
] as const;

async function curl(service: string, ...args: readonly string[]): Promise<Buffer> {
  const url = `${service === 'web' ? 'http' : 'https'}://127.0.0.1:${daemon.port(service)}/`;
  const options = { encoding: 'buffer', maxBuffer: 64 << 20 } as const;
  return (await run('curl', ['-sSk', '--max-time', '15', url, ...args], options)).stdout;
}

/** The fields that an answer has, in lower case. */
async function fieldsOf(service: string, ...args: readonly string[]): Promise<Record<string, string>> {
  const text = String(await curl(service, '-o', '/dev/null', '-D', '-', ...args));
  const lines = text.trim().split('\r\n').slice(1);
  return Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ', 2)));
}

describe.each(PROTOCOLS)('over %s', (_, service, flag) => {
  it('curl gets a page that it decodes', async () => {
    expect((await curl(service, flag, '--compressed')).equals(PAGE)).toBe(true);
    const size = ['-o', '/dev/null', '-w', '%{size_download} %{http_version}'];
    const stdout = String(await curl(service, flag, '--compressed', ...size));
    expect(stdout).toMatch(service === 'web' ? / 1\.1$/ : / 2$/);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(PAGE.length / 3);
  });

  it.each([
    ['gzip', (bytes: Buffer) => zlib.gunzipSync(bytes)],
    ['br', (bytes: Buffer) => zlib.brotliDecompressSync(bytes)],
  ])('a client gets %s', async (coding, decode) => {
    const accept = ['-H', `Accept-Encoding: ${coding}`];
    expect(decode(await curl(service, flag, ...accept)).equals(PAGE)).toBe(true);
    const fields = await fieldsOf(service, flag, ...accept);
    expect(fields).toMatchObject({ 'content-encoding': coding, etag: 'w/"page"', vary: 'accept-encoding' });
    expect(fields).not.toHaveProperty('content-length');
    expect(fields).not.toHaveProperty('accept-ranges');
  });

  it('a client that accepts nothing gets it as it is', async () => {
    const fields = await fieldsOf(service, flag);
    expect(fields).toMatchObject({ 'content-length': '50000', etag: '"page"', vary: 'accept-encoding' });
  });

  it('HEAD gets the fields of GET', async () => {
    const gzip = ['-H', 'Accept-Encoding: gzip'];
    const [get, head] = [await fieldsOf(service, flag, ...gzip), await fieldsOf(service, flag, '-I', ...gzip)];
    for (const fields of [get, head]) for (const name of ['date', 'transfer-encoding']) delete fields[name];
    expect(head).toEqual(get);
  });

  it('a client that has the compressed page hears that it is the same', async () => {
    const fields = await fieldsOf(service, flag, '--compressed', '-H', 'If-None-Match: W/"page"', '-w', '%{http_code}');
    expect(fields).toMatchObject({ etag: 'w/"page"', vary: 'accept-encoding' });
    const status = await curl(service, flag, '--compressed', '-H', 'If-None-Match: W/"page"', '-w', '%{http_code}');
    expect(String(status)).toBe('304');
  });

  it('a range stays as it is', async () => {
    const range = ['-H', 'Accept-Encoding: gzip', '-H', 'Range: bytes=0-9'];
    expect((await curl(service, flag, ...range)).equals(PAGE.subarray(0, 10))).toBe(true);
    expect(await fieldsOf(service, flag, ...range)).toMatchObject({
      'content-range': 'bytes 0-9/50000',
      etag: '"page"',
    });
  });

  it('an event stream arrives event by event', async () => {
    const events: ServerResponse[] = [];
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
      answer.flushHeaders();
      events.push(answer);
    };
    let text = '';
    const url = service === 'web' ? daemon.url() : daemon.url('/', service).replace('http:', 'https:');
    const client = execFile('curl', ['-sSkN', flag, '--compressed', '--max-time', '15', url]);
    client.stdout?.on('data', (chunk: string) => (text += chunk));
    const exited = new Promise((resolve) => client.once('exit', resolve));
    await eventually('the request', () => Promise.resolve(events.length === 1));
    // Each waits for the one before: nothing more comes that could push it through.
    for (let i = 1; i <= 5; i++) {
      events[0].write(`data: ${i}\n\n`);
      await eventually(`event ${i}`, () => Promise.resolve(text.endsWith(`data: ${i}\n\n`)));
    }
    events[0].end('data: end\n\n');
    expect(await exited).toBe(0);
    expect(text).toMatch(/^data: 1\n\n.*data: end\n\n$/s);
  });

  it('trailers come behind what was compressed', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'Server-Timing, Digest' });
      answer.write(PAGE);
      answer.addTrailers({ 'Server-Timing': 'db;dur=1', Digest: 'sha-256=x' });
      answer.end();
    };
    const both = String(
      await curl(service, flag, '-H', 'TE: trailers', '-H', 'Accept-Encoding: gzip', '-D', '-', '-o', '/dev/null'),
    );
    expect(both.toLowerCase()).toContain('server-timing: db;dur=1');
    expect(both.toLowerCase()).not.toContain('sha-256');
  });
});

describe('a client that goes', () => {
  it('a thousand times in the middle leaves nothing behind', async () => {
    const body = randomBytes(2_000_000);
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/plain' });
      answer.end(body);
    };
    const abort = (coding: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const socket = connect(daemon.port(), '127.0.0.1');
        socket.on('error', reject);
        socket.once('data', () => socket.destroy());
        socket.once('close', () => resolve());
        socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: ${coding}\r\n\r\n`);
      });
    const round = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        await Promise.all(Array.from({ length: 20 }, (_, j) => abort(j % 2 === 0 ? 'gzip' : 'br')));
      }
    };
    const sockets = await openSockets(daemon);
    await round();
    await socketsBackTo(daemon, sockets + upstream.open.size);
    const before = await daemon.rss();
    await round();
    await socketsBackTo(daemon, sockets + upstream.open.size);
    // 500 streams of zlib would be 130 MB, of br more.
    await eventually('its memory again', async () => (await daemon.rss()) < before + 60_000_000);
    answerTo = page;
    expect((await curl('web', '--compressed')).equals(PAGE)).toBe(true);
  });
});

describe('a client that reads slowly', () => {
  it('slows the upstream down', async () => {
    const body = randomBytes(1_000_000);
    let written = 0;
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/plain' });
      const more = (): void => {
        while (!answer.destroyed) {
          written += body.length;
          if (!answer.write(body)) return void answer.once('drain', more);
        }
      };
      more();
    };
    const asked = request({ port: daemon.port(), host: '127.0.0.1', headers: { 'Accept-Encoding': 'gzip' } });
    asked.end();
    const answer = await new Promise<IncomingMessage>((resolve) => asked.once('response', resolve));
    answer.pause();
    let last = -1;
    // It comes to a halt: the buffers of four sockets are full, and of the compression.
    await eventually('a halt', async () => {
      const still = written === last;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return still && written === last;
    });
    expect(written).toBeLessThan(30_000_000);
    expect(await daemon.rss()).toBeLessThan(400_000_000);
    asked.destroy();
  });
});

describe('an upstream that fails in the middle', () => {
  it('has the response cut, so that the client knows', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/plain' });
      answer.write(PAGE, () => answer.destroy());
    };
    await expect(curl('web', '--compressed')).rejects.toThrow(/transfer closed|Recv failure|reset/i);
    await expect(curl('secure', '--compressed')).rejects.toThrow(/HTTP\/2 stream|INTERNAL_ERROR|closed/i);
  });
});

describe('a reload', () => {
  it('changes what new requests get, and loses nothing of those under way', async () => {
    const slow: ServerResponse[] = [];
    answerTo = (asked, answer) => {
      if (asked.url !== '/') return page(asked, answer);
      answer.writeHead(200, { 'Content-Type': 'text/plain' });
      answer.write(PAGE);
      slow.push(answer);
    };
    const begun = curl('web', '--compressed');
    await eventually('the request', () => Promise.resolve(slow.length === 1));
    expect(await daemon.reload(config({ ...LEVELS, gzip_level: 0 }))).toBe(true);
    slow[0].end(PAGE);
    expect((await begun).equals(Buffer.concat([PAGE, PAGE]))).toBe(true);
    answerTo = page;
    expect(await fieldsOf('web', '-H', 'Accept-Encoding: gzip')).not.toHaveProperty('content-encoding');
    expect(await fieldsOf('web', '-H', 'Accept-Encoding: br')).toMatchObject({ 'content-encoding': 'br' });
  });

  it('can turn decoding on', async () => {
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip', ETag: ETAG });
      answer.end(zlib.gzipSync(PAGE));
    };
    expect(await daemon.reload(config({ decompression: true, br_level: 4 }))).toBe(true);
    for (const [, service, flag] of PROTOCOLS) {
      expect((await curl(service, flag)).equals(PAGE)).toBe(true);
      expect(zlib.gunzipSync(await curl(service, flag, '-H', 'Accept-Encoding: gzip')).equals(PAGE)).toBe(true);
      const br = await curl(service, flag, '-H', 'Accept-Encoding: br');
      expect(zlib.brotliDecompressSync(br).equals(PAGE)).toBe(true);
    }
    answerTo = (_asked, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip' });
      answer.end(zlib.gzipSync(PAGE).subarray(0, -20));
    };
    await expect(curl('web')).rejects.toThrow(/transfer closed|Recv failure|reset/i);
  });

  it('can compress what upstreams send, before other plugins see it', async () => {
    expect(await daemon.reload(config({ ...LEVELS, mode: 'upstream' }))).toBe(true);
    for (const [, service, flag] of PROTOCOLS) {
      expect(await fieldsOf(service, flag, '-H', 'Accept-Encoding: gzip')).toMatchObject({
        'content-encoding': 'gzip',
      });
      expect((await curl(service, flag, '--compressed')).equals(PAGE)).toBe(true);
    }
  });
});
