import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { response } from '../testing/proxied.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

let upstream: RawUpstream;
let daemon: TestDaemon;
let client: H2Client;
beforeAll(async () => {
  upstream = await RawUpstream.start();
  const action = { type: 'proxy', upstream: upstream.authority };
  daemon = await TestDaemon.start(webConfig([{ speed: { upload_mbps: 8 }, action }]));
  client = await H2Client.connect(daemon.url());
});
afterAll(async () => {
  client.destroy();
  await upstream.stop();
  await stopHealthy(daemon);
});

it('holds content back and loses none of it, though the stream ends in the meantime', async () => {
  upstream.serve(response('got it'));
  const sent = Array.from({ length: 100_000 }, (_, i) => `${i} `).join('');
  const stream = client.open({ ':method': 'POST', ':path': '/', 'content-length': String(sent.length) });
  stream.end(sent);
  expect((await answerOf(stream)).body).toBe('got it');
  expect(upstream.requests[0].body === sent).toBe(true);
});

it('gives the end of content of unknown length behind all of it', async () => {
  upstream.serve(response('got it'));
  const stream = client.open({ ':method': 'POST', ':path': '/' });
  stream.end('y'.repeat(400_000));
  expect((await answerOf(stream)).body).toBe('got it');
  expect(upstream.requests[1].body.match(/y/g)?.length).toBe(400_000);
});
