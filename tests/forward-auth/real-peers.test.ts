import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createSecureServer, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePair } from '../testing/certificates.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { assertNoFaults, stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { Nginx } from '../testing/nginx.ts';

const run = promisify(execFile);

/** A config whose only route asks an auth server. */
function asking(authUrl: string, upstream: number): unknown {
  const login = { category: 'forward_auth', auth_url: authUrl, add_headers: ['X-User'] };
  const route = { plugins: ['login'], action: { type: 'proxy', upstream: `127.0.0.1:${upstream}` } };
  return webConfig([route], {}, { plugins: { login } });
}

describe('forward_auth with nginx as auth server and as upstream', () => {
  let nginx: Nginx;
  let daemon: TestDaemon;
  beforeAll(async () => {
    nginx = await Nginx.start(
      `location = /auth {
         default_type text/html;
         if ($cookie_session = good) { add_header X-User $http_x_forwarded_method:$http_x_forwarded_uri; return 204; }
         if ($http_accept ~ html) { return 302 https://login.example/?back=$http_x_forwarded_uri; }
         return 401 "<h1>who is there?</h1>"; }
       location / { client_max_body_size 2m; return 200 "$request_method $request_uri for $http_x_user\\n"; }
       location /echo { client_max_body_size 2m; proxy_pass http://127.0.0.1:1; }`,
    );
    daemon = await TestDaemon.start(asking(`http://127.0.0.1:${nginx.port}/auth`, nginx.port), { workers: 2 });
  });
  afterAll(async () => {
    assertNoFaults(daemon);
    await daemon.stop();
    await nginx.stop();
  });

  const curl = async (...args: readonly string[]): Promise<string> =>
    (await run('curl', ['-sS', '-i', ...args])).stdout;

  it.each(['--http1.1', '--http2-prior-knowledge'])('serves curl with %s', async (protocol) => {
    expect(await curl(protocol, '-H', 'Cookie: session=good', '-H', 'X-User: root', daemon.url('/a?b=c'))).toMatch(
      /^HTTP\/\S+ 200 [^]*\r\n\r\nGET \/a\?b=c for GET:\/a\?b=c\n$/,
    );
    expect(await curl(protocol, daemon.url('/'))).toMatch(
      /^HTTP\/\S+ 401 [^]*\r\ncontent-type: text\/html\r\n[^]*\r\n\r\n<h1>who is there\?<\/h1>$/i,
    );
    expect(await curl(protocol, '-H', 'Accept: text/html', daemon.url('/secret'))).toMatch(
      /^HTTP\/\S+ 302 [^]*\r\nlocation: https:\/\/login\.example\/\?back=\/secret\r\n/i,
    );
    const upload = ['-X', 'POST', '--data-binary', 'x'.repeat(10_000)];
    expect(await curl(protocol, '-H', 'Cookie: session=good', ...upload, daemon.url('/up'))).toMatch(
      /POST \/up for POST:\/up\n$/,
    );
  });

  it('lets curl send a body, or not, before it begins', async () => {
    // curl 7.88 loses a whole early response over HTTP/2 when the RST_STREAM behind it comes in the same read.
    const upload = ['--http1.1', '-X', 'POST', '--data-binary', 'x'.repeat(100_000), '-H', 'Expect: 100-continue'];
    expect(await curl('-H', 'Cookie: session=good', ...upload, daemon.url('/up'))).toMatch(
      /POST \/up for POST:\/up\n$/,
    );
    expect(await curl(...upload, daemon.url('/up'))).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('forward_auth with an auth server of HTTP/2 over TLS', () => {
  it('asks over one connection, and trusts no certificate that the roots of the system do not vouch for', async () => {
    const authority = makePair({ authority: true });
    const pair = makePair({ issuer: authority, alternatives: 'IP:127.0.0.1' });
    const sessions: Http2Session[] = [];
    const auth = createSecureServer({ cert: pair.cert, key: pair.key });
    auth.on('session', (session) => sessions.push(session));
    auth.on('stream', (stream, headers) => {
      const allowed = headers['authorization'] === 'Bearer good';
      stream.respond({ ':status': allowed ? 200 : 403, 'x-user': 'alice', 'set-cookie': ['a=1', 'b=2'] });
      stream.end(allowed ? '' : 'no');
    });
    auth.listen(0, '127.0.0.1');
    await once(auth, 'listening');
    const upstream = await Nginx.start('location / { return 200 "for $http_x_user"; }');
    const config = asking(`https://127.0.0.1:${(auth.address() as AddressInfo).port}/verify`, upstream.port);
    const daemon = await TestDaemon.start(config, {
      env: { SSL_CERT_FILE: 'ca.pem' },
      files: { 'ca.pem': authority.cert },
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => fetch(daemon.url('/'), { headers: { authorization: 'Bearer good' } })),
    );
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(answers.map(() => 'for alice'));
    expect(answers[0].headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const denied = await fetch(daemon.url('/'));
    expect([denied.status, await denied.text(), sessions.length]).toEqual([403, 'no', 1]);
    await stopHealthy(daemon);

    const stranger = await TestDaemon.start(config, {
      env: { SSL_CERT_FILE: 'ca.pem' },
      files: { 'ca.pem': makePair().cert },
    });
    expect((await fetch(stranger.url('/'), { headers: { authorization: 'Bearer good' } })).status).toBe(502);
    await stopHealthy(stranger);
    for (const session of sessions) session.destroy();
    auth.close();
    await upstream.stop();
  });
});

it('lets no client pass that has its auth request reset, though the config says to fail open', async () => {
  const authority = makePair({ authority: true });
  // node:http2 resets streams with more than 128 fields.
  const auth = await Http2Upstream.start({ tls: makePair({ issuer: authority, alternatives: 'IP:127.0.0.1' }) });
  auth.handler = (stream) => {
    stream.respond({ ':status': 403 });
    stream.end('no');
  };
  const login = { category: 'forward_auth', auth_url: `https://${auth.authority}/verify`, fail: 'open' };
  const action = { type: 'static', status: 200, body_ref: { text: 'secret' } };
  const daemon = await TestDaemon.start(webConfig([{ plugins: ['login'], action }], {}, { plugins: { login } }), {
    env: { SSL_CERT_FILE: 'ca.pem' },
    files: { 'ca.pem': authority.cert },
  });
  for (const [count, status] of [
    [10, 403],
    [118, 502],
  ]) {
    const headers = Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'a']));
    expect((await fetch(daemon.url('/'), { headers })).status).toBe(status);
  }
  await daemon.stop();
  await auth.stop();
});
