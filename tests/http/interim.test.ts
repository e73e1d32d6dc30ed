import { once } from 'node:events';
import { connect } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';
import { eventually } from '../testing/wait.ts';

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({
    routes: [{ match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'static' } } }],
  });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

const HOST = 'Host: a.test';
const EARLY = head('HTTP/1.1 103 Early Hints', 'Link: </a.css>; rel=preload');
const CONTINUE = head('HTTP/1.1 100 Continue');

describe('interim responses', () => {
  it('pass at once, each before the final response', async () => {
    proxied.upstream.serve(() => EARLY);
    const client = await proxied.connect();
    client.send(head('GET / HTTP/1.1', HOST));
    await client.sees(EARLY);
    (await proxied.upstream.peer()).send(head('HTTP/1.1 102 Processing') + response('done'));
    await client.sees('done');
    expect(undated(client.received)).toBe(EARLY + head('HTTP/1.1 102 Processing') + response('done'));
    client.destroy();
  });

  it('lose the fields that are for one hop', async () => {
    const answer = head('HTTP/1.1 103 Early Hints', 'Connection: X-Hop', 'X-Hop: 1', 'Link: <b>') + response('done');
    const { received } = await proxied.exchange(head('GET / HTTP/1.1', HOST), answer, 'done');
    expect(undated(received)).toBe(head('HTTP/1.1 103 Early Hints', 'Link: <b>') + response('done'));
  });

  it('lose fields that would frame a body, as they have none', async () => {
    const framed = (line: string): string => head('HTTP/1.1 103 Early Hints', line, 'Link: <c>');
    const answer = framed('Content-Length: 5') + framed('Transfer-Encoding: chunked') + response('done');
    const { received } = await proxied.exchange(head('GET / HTTP/1.1', HOST), answer, 'done');
    expect(undated(received)).toBe(head('HTTP/1.1 103 Early Hints', 'Link: <c>').repeat(2) + response('done'));
  });

  it('do not reach HTTP/1.0 clients', async () => {
    const { received } = await proxied.exchange(head('GET / HTTP/1.0', HOST), EARLY + response('done'));
    expect(undated(received)).toBe(response('done').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  });

  it('of 100 do not reach clients that did not wait for it', async () => {
    const { received } = await proxied.exchange(head('GET / HTTP/1.1', HOST), CONTINUE + response('done'), 'done');
    expect(undated(received)).toBe(response('done'));
  });
});

describe('interim responses without an end', () => {
  it.each([
    ['does not read', false],
    ['reads them all', true],
  ])('to a client that %s are not held, and end with response_header_timeout', async (_, reads) => {
    const { daemon, upstream } = await Proxied.start({ limits: { response_header_timeout: '1s' } });
    // Heads that end inside of a read, as heads do.
    const block = Buffer.from(head('HTTP/1.1 103 Early Hints', `Link: <${'a'.repeat(4000)}>`).repeat(64));
    let sent = 0;
    upstream.onConnection(async (peer) => {
      const fill = (): void => {
        while (!peer.socket.destroyed && peer.socket.write(block)) sent += block.length;
      };
      await peer.sees('\r\n\r\n');
      peer.socket.on('drain', fill);
      fill();
    });
    const client = connect(daemon.port(), '127.0.0.1');
    await once(client, 'connect');
    let tail = '';
    client.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString('latin1')).slice(-500)));
    if (!reads) client.pause();
    client.write(head('GET / HTTP/1.1', HOST));
    const peer = await upstream.peer();
    await peer.gone();
    if (!reads) expect(sent).toBeLessThan(20_000_000);
    client.resume();
    await eventually('the answer', () => tail.endsWith('(upstream_timeout)\n'));
    expect(tail).toContain('HTTP/1.1 504 Gateway Timeout\r\n');
    client.destroy();
    await upstream.stop();
    await stopHealthy(daemon);
  });
});

describe('Expect: 100-continue', () => {
  const expecting = head('POST / HTTP/1.1', HOST, 'Content-Length: 4', 'Expect: 100-continue');

  it('goes to the upstream, whose 100 comes back before the body is sent', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      expect(peer.received).toContain('\r\nExpect: 100-continue\r\n');
      expect(peer.received).not.toContain('body');
      peer.send(CONTINUE);
      await peer.sees('body');
      peer.send(response('got it'));
    });
    const client = await proxied.connect();
    client.send(expecting);
    await client.sees(CONTINUE);
    client.send('body');
    await client.sees('got it');
    expect(undated(client.received)).toBe(CONTINUE + response('got it'));
    client.destroy();
  });

  it('a client that does not wait loses nothing', async () => {
    const { received, body } = await proxied.exchange(`${expecting}body`, response('got it'), 'got it');
    expect(undated(received)).toBe(response('got it'));
    expect(body).toBe('body');
  });

  it.each([
    ['417', 'HTTP/1.1 417 Expectation Failed'],
    ['401', 'HTTP/1.1 401 Unauthorized'],
  ])('an answer of %s instead ends the connection, as the body may come or not', async (_, status) => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(response('no', status));
    });
    const client = await proxied.connect();
    client.send(expecting);
    await client.sees('no');
    // Whether these are a body or a request cannot be told: they must be neither.
    client.send(head('GET /next HTTP/1.1', HOST));
    await client.toEnd();
    expect(undated(client.received)).toBe(response('no', status).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    const peer = await proxied.upstream.peer();
    expect(peer.received).not.toContain('/next');
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });

  it('an action that wants no body answers at once, without 100', async () => {
    const client = await proxied.connect();
    client.send(head('POST /static HTTP/1.1', HOST, 'Content-Length: 4', 'Expect: 100-continue'));
    const received = await client.toEnd();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(received).toContain('\r\nConnection: close\r\n');
    expect(received).toMatch(/\r\n\r\nstatic$/);
    client.destroy();
  });

  it('anything else is refused with 417', async () => {
    const { received, requests } = await proxied.exchange(
      head('GET / HTTP/1.1', HOST, 'Expect: magic'),
      response('x'),
      'bad_expect',
    );
    expect(received).toMatch(/^HTTP\/1\.1 417 Expectation Failed\r\n/);
    expect(requests).toEqual([]);
  });
});
