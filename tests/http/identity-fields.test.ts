import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { head, response } from '../testing/proxied.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

/** Fields that a client may not say of itself; each has the value `forged`. */
const FORGED = [
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'x-forwarded-server',
  'X-Forwarded-Ssl',
  'X-Forwarded-Scheme',
  'X-FORWARDED-ANYTHING',
  'Forwarded',
  'X-Real-IP',
  'X_Forwarded_For',
  'X-Forwarded_Proto',
  'x_real_ip',
  'X_Client',
  'x-client',
  'Content_Length',
  'Transfer_Encoding',
];
const ALLOWED = ['X_Other', 'X-Forwardedx', 'X-Forwarded', 'A_Forwarded_For'];

const IN_TRAILERS = [
  'X-Client',
  'X_Client',
  'X-Forwarded-For',
  'X-Forwarded-Port',
  'X-Real-IP',
  'Authorization',
  'Cookie',
];

const HEADERS = { 'X-Client': 'checked' };

describe.each([
  ['HTTP/1.1', 'HTTP/1.1'],
  ['HTTP/2', 'HTTP/1.1'],
  ['HTTP/1.1', 'HTTP/2'],
  ['HTTP/2', 'HTTP/2'],
] as const)('a client of %s and an upstream of %s', (clients, upstreams) => {
  let h1: RawUpstream;
  let h2: Http2Upstream;
  const daemons: TestDaemon[] = [];
  let untrusting: TestDaemon;
  let trusting: TestDaemon;
  let strict: TestDaemon;

  beforeAll(async () => {
    h1 = await RawUpstream.start();
    h1.serve(response('ok'));
    h2 = await Http2Upstream.start();
    const upstream = upstreams === 'HTTP/2' ? { upstream: h2.authority, proto: 'h2' } : { upstream: h1.authority };
    const start = async (config: Record<string, unknown>): Promise<TestDaemon> => {
      const action = { type: 'proxy', ...upstream, headers: HEADERS };
      const daemon = await TestDaemon.start(webConfig([{ action }], { config }));
      daemons.push(daemon);
      return daemon;
    };
    untrusting = await start({});
    trusting = await start({ trusted_proxies: ['127.0.0.1'] });
    strict = await start({ underscores: false });
  });
  afterEach(async () => {
    await h1.reset();
    h1.serve(response('ok'));
    await h2.reset();
  });
  afterAll(async () => {
    for (const daemon of daemons) await stopHealthy(daemon);
    await h1.stop();
    await h2.stop();
  });

  /** What the upstream gets of a request with these fields, or with these trailers, in lower case. */
  async function received(
    daemon: TestDaemon,
    names: readonly string[],
    trailers: readonly string[] = [],
  ): Promise<string> {
    if (clients === 'HTTP/1.1') {
      const lines = names.map((name) => `${name}: forged`);
      const last = trailers.map((name) => `${name}: forged\r\n`).join('');
      const start = head(
        'POST / HTTP/1.1',
        'Host: a.test',
        'Connection: close',
        'Transfer-Encoding: chunked',
        ...lines,
      );
      expect(await exchangeRaw(daemon.port(), `${start}2\r\nhi\r\n0\r\n${last}\r\n`)).toMatch(/^HTTP\/1.1 200 /);
    } else {
      const client = await H2Client.connect(daemon.url());
      const fields = Object.fromEntries(names.map((name) => [name.toLowerCase(), 'forged']));
      const stream = client.session.request({ ':method': 'POST', ...fields }, { waitForTrailers: true });
      stream.on('wantTrailers', () =>
        stream.sendTrailers(Object.fromEntries(trailers.map((name) => [name.toLowerCase(), 'forged']))),
      );
      stream.end('hi');
      expect((await answerOf(stream)).status).toBe(200);
      client.destroy();
    }
    if (upstreams === 'HTTP/1.1') return (h1.requests[0]?.head ?? '').toLowerCase();
    return Object.entries(h2.last)
      .map(([name, value]) => `${name}: ${String(value)}\r\n`)
      .join('');
  }

  it('loses what an untrusted client says of itself, in any spelling, and nothing else', async () => {
    const got = await received(untrusting, [...FORGED, ...ALLOWED]);
    expect(got.match(/^.*: forged$/gm)).toEqual(ALLOWED.map((name) => `${name.toLowerCase()}: forged`));
    expect(got.match(/^x.client:.*$/gm)).toEqual(['x-client: checked']);
  });

  it('keeps the fields of a trusted proxy, but no lookalikes', async () => {
    const names = ['X-Forwarded-Port', 'X-Real-IP', 'X_Forwarded_Port', 'X_Real_IP', 'X_Client'];
    const got = await received(trusting, names);
    expect(got.match(/^.*: forged$/gm)).toEqual(['x-forwarded-port: forged', 'x-real-ip: forged']);
  });

  it('loses every name with an underscore if the config says so', async () => {
    expect((await received(strict, ALLOWED)).match(/^.*: forged$/gm)).toEqual([
      'x-forwardedx: forged',
      'x-forwarded: forged',
    ]);
  });

  it('loses trailers that the config owns, or that say who sends them', async () => {
    const trailers = new Promise<readonly string[]>((resolve) => {
      h2.handler = (stream) => {
        let names: string[] = [];
        stream.on('trailers', (section) => (names = Object.keys(section)));
        stream.on('end', () => {
          resolve(names);
          stream.respond({ ':status': 200 });
          stream.end();
        });
        stream.resume();
      };
    });
    await received(untrusting, [], [...IN_TRAILERS, 'X-Checksum']);
    if (upstreams === 'HTTP/2') expect(await trailers).toEqual(['x-checksum']);
    else expect(h1.requests[0]?.body.toLowerCase()).toBe('2\r\nhi\r\n0\r\nx-checksum: forged\r\n\r\n');
  });
});
