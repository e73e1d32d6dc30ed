import { setTimeout as delay } from 'node:timers/promises';

import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { EchoClient } from '../grpc/echo-service.ts';
import { logLines } from '../testing/access-log.ts';
import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { data, headers, PREFACE, requestsIn, rstStream, settings, settingsAck } from '../testing/http2-frames.ts';
import { RawClient } from '../testing/raw-client.ts';
import { type RawPeer, RawUpstream } from '../testing/raw-upstream.ts';

const INTERNAL_ERROR = 2;
const CANCEL = 8;

/** What the calls say, and a little more than that: the upstream's clock began after prox's. */
const TIMEOUT = '50m';
const PASSED_MS = 51;

/** Speaks HTTP/2 up to the first request, lets its deadline pass, and goes on. */
async function afterDeadline(peer: RawPeer, act: () => void): Promise<void> {
  await peer.sees(PREFACE);
  peer.send(settings() + settingsAck());
  await peer.until(() => requestsIn(peer.received) >= 1, 'a request');
  await delay(PASSED_MS);
  act();
}

describe('an upstream of HTTP/2 that gives up a call with grpc-timeout', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const action = { type: 'proxy', upstream: `http://${upstream.authority}`, proto: 'h2' };
    daemon = await TestDaemon.start(
      webConfig([{ match: { path: '/logged' }, access_log: 'access.log', action }, { action }]),
    );
  });
  afterEach(() => upstream.reset());
  afterAll(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  const cancels = (): void =>
    upstream.onConnection((peer) => afterDeadline(peer, () => peer.send(rstStream(1, CANCEL))));

  /** What a client of HTTP/1.1 gets. */
  const post = async (timeout: string | null): Promise<string> => {
    const client = await RawClient.connect(daemon.port());
    const field = timeout === null ? '' : `grpc-timeout: ${timeout}\r\n`;
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\n${field}Content-Length: 4\r\n\r\nbody`);
    await client.until(() => client.ended || client.closed || client.received.endsWith(')\n'), 'an answer');
    client.destroy();
    return client.received;
  };

  it('at the deadline is answered for by 504', async () => {
    cancels();
    const from = daemon.log.length;
    expect(await post(TIMEOUT)).toMatch(/^HTTP\/1.1 504 [^]*\(upstream_timeout\)/);
    const line = await daemon.logged((logged) => codeOf(logged) === 'upstream_timeout', from);
    expect(JSON.stringify(line)).toContain('grpc-timeout');
  });

  it.each([
    ['before the deadline', '10S'],
    ['without a deadline', null],
    ['with a deadline that is none', '50'],
    ['with a deadline of too many digits', '000000050m'],
    ['with two deadlines', '50m, 50m'],
  ])('%s is answered for by 502', async (_, timeout) => {
    cancels();
    expect(await post(timeout)).toMatch(/^HTTP\/1.1 502 [^]*\(upstream_closed\)/);
  });

  it('at the deadline by another code is answered for by 502', async () => {
    upstream.onConnection((peer) => afterDeadline(peer, () => peer.send(rstStream(1, INTERNAL_ERROR))));
    expect(await post(TIMEOUT)).toMatch(/^HTTP\/1.1 502 [^]*\(upstream_reset\)/);
  });

  it('at the deadline by closing the connection is answered for by 502', async () => {
    upstream.onConnection((peer) => afterDeadline(peer, () => peer.destroy()));
    expect(await post(TIMEOUT)).toMatch(/^HTTP\/1.1 502 [^]*\(upstream_closed\)/);
  });

  it('at the deadline inside of the response is never taken for complete', async () => {
    const part = headers(1, [[':status', '200']]) + data(1, 'part');
    upstream.onConnection((peer) => afterDeadline(peer, () => peer.send(part + rstStream(1, CANCEL))));
    const from = daemon.log.length;
    const received = await post(TIMEOUT);
    expect(received).not.toContain('\r\n0\r\n\r\n');
    await daemon.logged((logged) => codeOf(logged) === 'upstream_closed', from);
  });

  it('at the deadline is DEADLINE_EXCEEDED to a client of gRPC', async () => {
    cancels();
    const client = new EchoClient(daemon.port());
    const metadata = new Metadata();
    // Not by the client's own clock, which would end the call as well.
    metadata.set('grpc-timeout', TIMEOUT);
    const { error } = await client.unary('unary', Buffer.from('x'), { metadata });
    client.close();
    expect(error?.code).toBe(grpcStatus.DEADLINE_EXCEEDED);
    expect(error?.details).toContain('upstream_timeout');
  });

  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc; charset=utf-8'])(
    'at the deadline is a response of trailers alone to %s',
    async (type) => {
      cancels();
      const client = await H2Client.connect(`http://127.0.0.1:${daemon.port()}`);
      const sent = { ':method': 'POST', ':path': '/logged', 'content-type': type, 'grpc-timeout': TIMEOUT };
      const stream = client.open(sent, false);
      stream.end('x');
      const [head, ended] = await new Promise<[Record<string, unknown>, boolean]>((resolve, reject) => {
        stream.on('response', (fields, flags) => resolve([fields, (flags & 1) !== 0]));
        stream.on('close', () => reject(new Error('no response')));
      });
      client.destroy();
      expect([head[':status'], head['content-type'], head['grpc-status']]).toEqual([200, 'application/grpc', '4']);
      expect(ended).toBe(true);
      const [line] = await logLines(`${daemon.folder}/access.log`, 1);
      expect(line).toMatchObject({ status: 200, error: 'upstream_timeout' });
    },
  );

  it('at the deadline is 504 to other clients of HTTP/2', async () => {
    cancels();
    const client = await H2Client.connect(`http://127.0.0.1:${daemon.port()}`);
    const sent = { ':method': 'POST', ':path': '/', 'content-type': 'application/grpc-web', 'grpc-timeout': TIMEOUT };
    const answer = await client.send(sent, 'x');
    client.destroy();
    expect([answer.status, answer.body]).toEqual([504, expect.stringContaining('upstream_timeout')]);
  });
});

function codeOf(line: LogLine): unknown {
  return (line['error'] as { code?: string } | undefined)?.code;
}
