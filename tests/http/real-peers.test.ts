import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Client, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { Nginx } from '../testing/nginx.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prox-peers-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function text(message: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of message) all += String(chunk);
  return all;
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('in front of nginx', () => {
  let nginx: Nginx;
  let daemon: TestDaemon;
  beforeAll(async () => {
    nginx = await Nginx.start(
      `location /file { root ${folder}; }
       location /small { client_max_body_size 1k; proxy_pass http://127.0.0.1:1; }
       location / { return 200 "nginx $request_method $request_uri\\n"; }`,
    );
    await writeFile(join(folder, 'file'), Buffer.alloc(5_000_000, 'abcdefghij'));
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: `127.0.0.1:${nginx.port}` } }]));
  });
  afterAll(async () => {
    await stopHealthy(daemon);
    await nginx.stop();
  });

  it('curl gets what it asks for', async () => {
    const { stdout } = await run('curl', ['-sS', '-i', daemon.url('/hello?x=1')]);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(stdout).toMatch(/\r\n\r\nnginx GET \/hello\?x=1\n$/);
  });

  it('curl gets a large file whole, and a range of it', async () => {
    await run('curl', ['-sS', '-o', join(folder, 'copy'), daemon.url('/file')]);
    const [sent, got] = await Promise.all([readFile(join(folder, 'file')), readFile(join(folder, 'copy'))]);
    expect(got.equals(sent)).toBe(true);
    const { stdout } = await run('curl', ['-sS', '-i', '-r', '10-14', daemon.url('/file')]);
    expect(stdout).toMatch(/^HTTP\/1\.1 206 [^]*\r\n\r\nabcde$/);
  });

  it('curl is told 413 although it has much more to send', async () => {
    const { stdout } = await run('curl', [
      '-sS',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '--data-binary',
      `@${join(folder, 'file')}`,
      daemon.url('/small'),
    ]);
    expect(stdout).toBe('413');
  });

  it('curl keeps its connection', async () => {
    const { stdout } = await run('curl', [
      '-sS',
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      '-w',
      '%{num_connects} ',
      daemon.url('/1'),
      daemon.url('/2'),
    ]);
    expect(stdout).toBe('1 0 ');
  });
});

describe('in front of node:http', () => {
  let server: Server;
  let daemon: TestDaemon;
  beforeAll(async () => {
    server = createHttp((message, answer) => {
      if (message.url === '/trailers') {
        answer.writeHead(200, { Trailer: 'X-Sum' });
        answer.write('body');
        answer.addTrailers({ 'X-Sum': '4' });
        return answer.end();
      }
      answer.setHeader('X-Method', message.method ?? '');
      return message.pipe(answer);
    });
    daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: `http://localhost:${await listening(server)}` } }]),
    );
  });
  afterAll(async () => {
    await stopHealthy(daemon);
    server.closeAllConnections();
    server.close();
  });

  it('undici echoes bodies of both framings and gets trailers', async () => {
    const body = Buffer.alloc(300_000, 'x');
    const known = await request(daemon.url('/'), { method: 'POST', body });
    expect(known.headers['x-method']).toBe('POST');
    expect(Buffer.from(await known.body.arrayBuffer()).equals(body)).toBe(true);
    await writeFile(join(folder, 'upload'), body);
    const streamed = await request(daemon.url('/'), { method: 'PUT', body: createReadStream(join(folder, 'upload')) });
    expect(Buffer.from(await streamed.body.arrayBuffer()).equals(body)).toBe(true);
    const trailing = await request(daemon.url('/trailers'));
    expect(await trailing.body.text()).toBe('body');
    expect(trailing.trailers).toEqual({ 'x-sum': '4' });
  });

  it('undici pipelines', async () => {
    const client = new Client(daemon.url('/').slice(0, -1), { pipelining: 10 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        (await client.request({ path: '/', method: 'PUT', body: `body ${i}` })).body.text(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => `body ${i}`));
    await client.close();
  });

  it('curl waits for 100 and gets it', async () => {
    await writeFile(join(folder, 'expected'), 'hello');
    const { stderr, stdout } = await run('curl', [
      '-sS',
      '-v',
      '-H',
      'Expect: 100-continue',
      '-T',
      join(folder, 'expected'),
      daemon.url('/'),
    ]);
    expect(stderr).toContain('< HTTP/1.1 100 Continue');
    expect(stdout).toBe('hello');
  });
});

describe('in front of https', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    const pair = makePair({ subject: 'localhost', alternatives: 'DNS:localhost,IP:127.0.0.1', authority: true });
    await writeFile(join(folder, 'cert.pem'), pair.cert);
    server = createHttps(pair, (message, answer) => {
      void text(message).then((body) => answer.end(`tls ${message.headers.host ?? ''} ${body}`));
    });
    port = await listening(server);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(['localhost', '127.0.0.1'])('a certificate that the system trusts is accepted for %s', async (name) => {
    // NODE_EXTRA_CA_CERTS is how the system's roots are extended for Node.
    const env = { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') };
    const daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: `https://${name}:${port}` } }]),
      { env },
    );
    const answer = await request(daemon.url('/'), { method: 'POST', body: 'x'.repeat(100_000) });
    expect(await answer.body.text()).toBe(`tls ${name}:${port} ${'x'.repeat(100_000)}`);
    const again = await request(daemon.url('/'));
    expect(again.statusCode).toBe(200);
    await stopHealthy(daemon);
  });

  it('a certificate of an unknown authority is a 502, and leaves no descriptor open', async () => {
    const daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: `https://localhost:${port}` } }]),
    );
    const { stdout: first } = await run('curl', ['-sS', daemon.url('/')]);
    expect(first).toBe('502 Bad Gateway (upstream_tls)\n');
    const before = await openSockets(daemon);
    for (let i = 0; i < 5; i++) await run('curl', ['-sS', daemon.url('/')]);
    await socketsBackTo(daemon, before);
    await stopHealthy(daemon);
  });

  it('something that speaks no TLS is a 502', async () => {
    const plain = createHttp((_, answer) => answer.end());
    const daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream: `https://localhost:${await listening(plain)}` } }]),
    );
    const { stdout } = await run('curl', ['-sS', daemon.url('/')]);
    expect(stdout).toBe('502 Bad Gateway (upstream_tls)\n');
    plain.close();
    await stopHealthy(daemon);
  });
});
