import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

const UPGRADE = (protocol: string): string =>
  `GET /chat?x=1 HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Version: 13\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

describe('an upgrade to an upstream of HTTP/2', () => {
  let able: Http2Upstream;
  let unable: Http2Upstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    able = await Http2Upstream.start({ settings: { enableConnectProtocol: true } });
    unable = await Http2Upstream.start();
    const to = (upstream: Http2Upstream): object => ({
      type: 'proxy',
      upstream: `http://${upstream.authority}`,
      proto: 'h2',
    });
    const routes = [{ match: { path: '/unable' }, action: to(unable) }, { action: to(able) }];
    daemon = await TestDaemon.start(
      webConfig(routes, { config: { stall_timeout: '300ms', response_header_timeout: '300ms' } }),
    );
    able.handler = (stream, headers) => {
      if (headers[':path'] === '/refused') {
        stream.respond({ ':status': 403, 'content-length': 2 });
        return void stream.end('no');
      }
      stream.respond({ ':status': 200, 'sec-websocket-protocol': 'soap' });
      stream.pipe(stream);
    };
  });
  afterAll(async () => {
    await able.stop();
    await unable.stop();
    await stopHealthy(daemon);
  });

  it('becomes an extended CONNECT, and its 200 the 101 of the handshake', async () => {
    const client = await RawClient.connect(daemon.port());
    await client.send(UPGRADE('websocket')).sees('\r\n\r\n');
    expect(client.received).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
    // The answer to the key of RFC 6455 §1.3.
    expect(client.received.toLowerCase()).toContain('\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n');
    expect(client.received).toContain('\r\nUpgrade: websocket\r\n');
    const { last } = able;
    expect([last[':method'], last[':protocol'], last[':path'], last['sec-websocket-version']]).toEqual([
      'CONNECT',
      'websocket',
      '/chat?x=1',
      '13',
    ]);
    expect(last['sec-websocket-key']).toBeUndefined();
    await client.send('\x81\x01a').sees('\x81\x01a');
    client.end();
    await client.gone();
    await eventually('the stream to close', () => able.open.size === 0);
  });

  it('carries what ws sends, both ways, for as long as both like', async () => {
    const path = `ws://127.0.0.1:${daemon.port()}/chat`;
    const client = new WebSocket(path, ['soap'], { perMessageDeflate: false });
    await once(client, 'open');
    expect(client.protocol).toBe('soap');
    // The upstream sends the frames of the client back, masked: a server must not, so they end the connection.
    client.send('x');
    const [error] = (await once(client, 'error')) as [Error];
    expect(error.message).toContain('MASK');
    client.terminate();
    await eventually('the stream to close', () => able.open.size === 0);
  });

  it('that is refused is answered like other requests', async () => {
    const client = await RawClient.connect(daemon.port());
    await client.send(UPGRADE('websocket').replace('/chat?x=1', '/refused')).sees('\r\n\r\nno');
    expect(client.received).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
    client.destroy();
  });

  it('that the upstream does not know is a 501', async () => {
    const client = await RawClient.connect(daemon.port());
    await client.send(UPGRADE('websocket').replace('/chat?x=1', '/unable')).sees('(no_upgrade)');
    expect(client.received).toMatch(/^HTTP\/1.1 501 /);
    expect(unable.requests.length).toBe(0);
    client.destroy();
  });

  it('that breaks reaches the client as a break', async () => {
    const client = await RawClient.connect(daemon.port());
    await client.send(UPGRADE('websocket')).sees('101');
    await eventually('the stream', () => able.open.size === 1);
    for (const session of able.sessions) session.destroy();
    await client.gone();
    expect(client.reset).toBe(true);
  });
});
