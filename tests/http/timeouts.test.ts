import { describe, expect, it } from 'vitest';

import { head, Proxied, type ProxiedOptions, response, undated } from '../testing/proxied.ts';

const GET = head('GET / HTTP/1.1', 'Host: a.test');
const post = (...fields: string[]): string => head('POST / HTTP/1.1', 'Host: a.test', ...fields);

/** Runs a test against a daemon of its own: each is about one limit. */
function limited(options: ProxiedOptions, test: (proxied: Proxied) => Promise<void>): () => Promise<void> {
  return async () => {
    const proxied = await Proxied.start(options);
    try {
      await test(proxied);
    } finally {
      await proxied.stop();
    }
  };
}

describe.concurrent('header_timeout', () => {
  const limits = { header_timeout: '300ms' };

  it(
    'ends a head that does not come, with 408',
    limited({ limits }, async (proxied) => {
      const client = await proxied.connect();
      client.send('GET / HTTP/1.1\r\nHost: a');
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 408 [^]*\(head_timeout\)\n$/);
      expect(proxied.upstream.peers).toEqual([]);
      client.destroy();
    }),
  );

  it(
    'is not moved by bytes that dribble in',
    limited({ limits }, async (proxied) => {
      const client = await proxied.connect();
      client.send('GET / HTTP/1.1\r\n');
      const dribble = setInterval(() => client.send('X: y\r\n'), 20);
      const started = Date.now();
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 408 /);
      expect(Date.now() - started).toBeLessThan(3000);
      clearInterval(dribble);
      client.destroy();
    }),
  );

  it(
    'closes a connection that says nothing',
    limited({ limits }, async (proxied) => {
      const client = await proxied.connect();
      expect(await client.toEnd()).toBe('');
    }),
  );

  it(
    'holds for the second request of a connection too',
    limited({ limits }, async (proxied) => {
      proxied.upstream.serve(response('ok'));
      const client = await proxied.connect();
      client.send(GET);
      await client.sees('ok');
      client.send('GET');
      expect(await client.toEnd()).toMatch(/\(head_timeout\)\n$/);
      client.destroy();
    }),
  );
});

describe.concurrent('other timeouts of the client', () => {
  it(
    'idle_timeout closes a connection between requests, without a word',
    limited({ limits: { idle_timeout: '300ms' } }, async (proxied) => {
      proxied.upstream.serve(response('ok'));
      const client = await proxied.connect();
      client.send(GET);
      await client.sees('ok');
      expect(undated(await client.toEnd())).toBe(response('ok'));
      client.destroy();
    }),
  );

  it(
    'stall_timeout ends a body that does not come, with 408',
    limited({ limits: { stall_timeout: '300ms' } }, async (proxied) => {
      const client = await proxied.connect();
      client.send(`${post('Content-Length: 10')}01234`);
      const peer = await proxied.upstream.peer();
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 408 [^]*\(client_stalled\)\n$/);
      await peer.until(() => peer.ended || peer.closed);
      client.destroy();
    }),
  );

  it(
    'stall_timeout lets a body dribble',
    limited({ limits: { stall_timeout: '1s' } }, async (proxied) => {
      proxied.upstream.serve(response('ok'));
      const client = await proxied.connect();
      client.send(post('Content-Length: 15'));
      for (let i = 0; i < 15; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        client.send('x');
      }
      await client.sees('ok');
      expect(proxied.upstream.requests[0]?.body).toBe('x'.repeat(15));
      client.destroy();
    }),
  );

  it(
    'stall_timeout ends a response that the client does not take',
    limited({ limits: { stall_timeout: '300ms' } }, async (proxied) => {
      proxied.upstream.serve(() => response('x'.repeat(30_000_000)));
      const client = await proxied.connect();
      client.socket.pause();
      client.send(GET);
      const peer = await proxied.upstream.peer();
      await peer.until(() => peer.ended || peer.closed, 'prox to give up');
      client.socket.resume();
      await client.until(() => client.closed);
      expect(client.received.length).toBeLessThan(30_000_000);
      expect(client.reset).toBe(true);
    }),
  );

  it(
    'stall_timeout ends a response that the client does not take, though it sends a byte now and then',
    limited({ limits: { stall_timeout: '500ms' } }, async (proxied) => {
      proxied.upstream.onConnection(async (peer) => {
        await peer.sees('\r\n\r\n');
        peer.send(response('x'.repeat(30_000_000)));
      });
      const client = await proxied.connect();
      client.socket.pause();
      client.send(post('Transfer-Encoding: chunked'));
      const dribble = setInterval(() => client.send('1\r\nx\r\n'), 50);
      const peer = await proxied.upstream.peer();
      await peer.until(() => peer.ended || peer.closed, 'prox to give up');
      clearInterval(dribble);
      client.destroy();
    }),
  );

  it(
    'read_timeout ends a request however lively it is, with 408',
    limited({ limits: { read_timeout: '400ms' } }, async (proxied) => {
      const client = await proxied.connect();
      client.send(post('Transfer-Encoding: chunked'));
      const dribble = setInterval(() => client.send('1\r\nx\r\n'), 20);
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 408 [^]*\(request_timeout\)\n$/);
      clearInterval(dribble);
      const peer = await proxied.upstream.peer();
      await peer.until(() => peer.ended || peer.closed);
      client.destroy();
    }),
  );

  it(
    'read_timeout does not count the wait for the answer',
    limited({ limits: { read_timeout: '200ms' } }, async (proxied) => {
      proxied.upstream.serve(async () => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        return response('ok');
      });
      const client = await proxied.connect();
      client.send(`${post('Content-Length: 2')}hi`);
      await client.sees('ok');
      client.destroy();
      expect(undated(client.received)).toBe(response('ok'));
    }),
  );

  it(
    'write_timeout cuts a response however lively it is',
    limited({ limits: { write_timeout: '400ms' } }, async (proxied) => {
      proxied.upstream.serve(({ peer }) => {
        const dribble = setInterval(() => peer.send('1\r\nx\r\n'), 20);
        peer.socket.once('close', () => clearInterval(dribble));
        return head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked');
      });
      const client = await proxied.connect();
      client.send(GET);
      await client.until(() => client.closed);
      expect(client.reset).toBe(true);
      expect(client.received).toContain('1\r\nx\r\n');
      expect(client.received).not.toMatch(/0\r\n\r\n$/);
      const peer = await proxied.upstream.peer();
      peer.destroy();
    }),
  );
});

describe.concurrent('timeouts of the upstream', () => {
  it(
    'response_header_timeout: 504',
    limited({ limits: { response_header_timeout: '300ms' } }, async (proxied) => {
      const { received } = await proxied.exchange(GET, () => null, 'upstream_timeout');
      expect(received).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n[^]*\(upstream_timeout\)\n$/);
      expect(received).not.toContain('Connection: close');
      const peer = await proxied.upstream.peer();
      await peer.until(() => peer.ended || peer.closed);
    }),
  );

  it(
    'response_header_timeout counts from the end of the request',
    limited({ limits: { response_header_timeout: '300ms' } }, async (proxied) => {
      const client = await proxied.connect();
      client.send(post('Content-Length: 6'));
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        client.send('x');
      }
      await client.sees('upstream_timeout');
      expect((await proxied.upstream.peer()).received).toMatch(/\r\n\r\nxxxxxx$/);
      client.destroy();
    }),
  );

  it(
    'response_header_timeout is not moved by interim responses',
    limited({ limits: { response_header_timeout: '300ms' } }, async (proxied) => {
      proxied.upstream.serve(({ peer }) => {
        const dribble = setInterval(() => peer.send(head('HTTP/1.1 102 Processing')), 50);
        peer.socket.once('close', () => clearInterval(dribble));
        return null;
      });
      const client = await proxied.connect();
      client.send(GET);
      await client.sees('upstream_timeout');
      client.destroy();
      expect(client.received).toContain('102 Processing');
      (await proxied.upstream.peer()).destroy();
    }),
  );

  it(
    'response_header_timeout does not hold for gRPC, whose streams may be silent at first',
    limited({ limits: { response_header_timeout: '300ms' } }, async (proxied) => {
      proxied.upstream.serve(() => null);
      const streams = ['application/grpc', 'application/grpc+proto', 'application/grpc-web; charset=utf-8'];
      const clients = [];
      for (const type of streams) {
        const client = await proxied.connect();
        clients.push(client.send(`${post(`Content-Type: ${type}`, 'Content-Length: 2')}hi`));
        await proxied.upstream.received(clients.length);
      }
      // One that begins later, and is no gRPC, has run into the timeout by now.
      const other = await proxied.connect();
      await other.send(`${post('X-Type: application/grpc', 'Content-Length: 2')}hi`).sees('upstream_timeout');
      for (const { peer } of proxied.upstream.requests.slice(0, streams.length)) peer.send(response('ok'));
      for (const client of clients) {
        await client.sees('ok');
        expect(undated(client.received)).toBe(response('ok'));
        client.destroy();
      }
      other.destroy();
    }),
  );

  it(
    "the action's timeout is for connecting alone",
    limited({ action: { timeout: '200ms' } }, async (proxied) => {
      proxied.upstream.onConnection(async (peer) => {
        await peer.sees('\r\n\r\n');
        await new Promise((resolve) => setTimeout(resolve, 500));
        peer.send(response('late'));
      });
      const client = await proxied.connect();
      await client.send(GET).sees('late');
      expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
      client.destroy();
      await client.gone();
    }),
  );

  it(
    'stall_timeout cuts a body that does not come',
    limited({ limits: { stall_timeout: '300ms' } }, async (proxied) => {
      proxied.upstream.serve(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01234`);
      const client = await proxied.connect();
      client.send(GET);
      await client.until(() => client.closed);
      expect(client.reset).toBe(true);
      expect(undated(client.received)).toBe(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01234`);
    }),
  );

  it(
    'stall_timeout: 504 when the upstream does not take the request',
    limited({ limits: { stall_timeout: '500ms' } }, async (proxied) => {
      proxied.upstream.onConnection((peer) => {
        peer.socket.pause();
      });
      const client = await proxied.connect();
      client.send(post('Content-Length: 30000000'));
      client.send('x'.repeat(30_000_000));
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 504 [^]*\(upstream_stalled\)\n$/);
      client.destroy();
    }),
  );

  it(
    'stall_timeout does not count the response while the request is under way',
    limited({ limits: { stall_timeout: '1s' } }, async (proxied) => {
      proxied.upstream.onConnection(async (peer) => {
        await peer.sees('\r\n\r\n');
        peer.send(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
        await peer.sees('x'.repeat(15));
        peer.send('2\r\nok\r\n0\r\n\r\n');
      });
      const client = await proxied.connect();
      client.send(post('Content-Length: 15'));
      for (let i = 0; i < 15; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        client.send('x');
      }
      await client.sees('0\r\n\r\n');
      expect(client.received).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
      client.destroy();
    }),
  );
});
