import { describe, expect, it } from 'vitest';
import type { Action } from '../../exchange/index.ts';
import { settled } from '../../transport/testing/memory-client.ts';
import { bodies, codeOf, connect, get, head, post, statusOf } from '../testing/http1-client.ts';
import { ECHO, MemoryHost, TakenExchange } from '../testing/memory-host.ts';

describe('requests on a connection', () => {
  it('are answered one after another when they come together', async () => {
    const { client, host } = connect({ action: ECHO });
    await client.send(get('/1') + get('/2') + post('/3', 'Content-Length: 3') + 'abc' + get('/4'));
    expect(bodies(client.received)).toEqual(['GET /1 \n', 'GET /2 \n', 'POST /3 abc\n', 'GET /4 \n']);
    expect(host.underWay).toBe(0);
    expect(client.ended).toBe(false);
  });

  it('wait unread for the response to the one before them', async () => {
    const { client, host } = connect();
    await client.send(get('/1') + get('/2'));
    expect(host.exchanges).toHaveLength(1);
    host.last.respond(200, 'one');
    await settled();
    expect(host.exchanges.map(({ exchange }) => exchange.path)).toEqual(['/1', '/2']);
    host.last.respond(200, 'two');
    await settled();
    expect(bodies(client.received)).toEqual(['one', 'two']);
  });

  it('are read no further while the client takes no answers', async () => {
    const { client, host } = connect({}, 1000);
    client.pause();
    await client.send(get('/1') + get('/2'));
    host.last.respond(200, 'x'.repeat(200_000));
    await settled();
    expect(host.exchanges).toHaveLength(1);
    await client.resume();
    expect(host.exchanges).toHaveLength(2);
  });

  it('take an empty line before them', async () => {
    const { client } = connect({ action: ECHO });
    await client.send(`\r\n${get('/1')}\r\n${get('/2')}`);
    expect(bodies(client.received)).toEqual(['GET /1 \n', 'GET /2 \n']);
  });

  it('end the connection where the client says so, and what comes behind is not read', async () => {
    const { client, host } = connect({ action: ECHO });
    await client.send(get('/1', 'Connection: close') + get('/2'));
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(bodies(client.received)).toEqual(['GET /1 \n']);
    expect(client.ended).toBe(true);
    expect(host.underWay).toBe(0);
  });

  it('are all answered when the client has ended its side behind them', async () => {
    const { client, host } = connect();
    await client.send(get('/1') + get('/2'));
    await client.end();
    host.last.respond(200, 'one');
    await settled();
    host.last.respond(200, 'two');
    await settled();
    expect(bodies(client.received)).toEqual(['one', 'two']);
    expect([client.closed, client.reset]).toEqual([true, false]);
  });

  it('are answered with Connection: close where the client is known to send no more', async () => {
    const { client, host } = connect();
    await client.send(get('/'));
    await client.end();
    host.last.respond(200, 'last');
    await settled();
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect([client.closed, client.reset]).toEqual([true, false]);
  });

  it('of HTTP/1.0 end the connection unless they ask to keep it', async () => {
    const { client } = connect({ action: ECHO });
    await client.send(head('GET /1 HTTP/1.0', 'Connection: keep-alive'));
    expect(client.received).toContain('\r\nConnection: keep-alive\r\n');
    await client.send(head('GET /2 HTTP/1.0'));
    expect(bodies(client.received)).toEqual(['GET /1 \n', 'GET /2 \n']);
    expect(client.ended).toBe(true);
  });

  it('are served by the generation that is in force when they begin', async () => {
    const { client, host, slot } = connect();
    await client.send(get('/1'));
    const next = new MemoryHost({ action: ECHO });
    slot.current = next;
    host.last.respond(200, 'by the first');
    await client.send(get('/2'));
    expect(bodies(client.received)).toEqual(['by the first', 'GET /2 \n']);
    expect([host.underWay, next.underWay]).toEqual([0, 0]);
  });
});

describe('a stream of requests', () => {
  const requests =
    get('/1') +
    post('/2', 'Content-Length: 5') +
    'hello' +
    post('/3', 'Transfer-Encoding: chunked') +
    '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n' +
    get('/4');
  const answers = ['GET /1 \n', 'POST /2 hello\n', 'POST /3 abcde\n', 'GET /4 \n'];

  it('is the same cut at every byte', async () => {
    for (let cut = 1; cut < requests.length; cut++) {
      const { client, host } = connect({ action: ECHO });
      await client.send(requests.slice(0, cut));
      await client.send(requests.slice(cut));
      expect([cut, bodies(client.received), host.reports]).toEqual([cut, answers, []]);
    }
  });

  it('is the same in reads of one byte', async () => {
    const { client, host } = connect({ action: ECHO });
    await client.dribble(requests);
    expect(bodies(client.received)).toEqual(answers);
    expect(host.reports).toEqual([]);
  });
});

describe('a request body', () => {
  it('is read when it is asked for, and not before', async () => {
    const { client, host } = connect();
    await client.send(`${post('/', 'Content-Length: 10')}01234`);
    expect(host.last.events).toEqual([]);
    host.last.exchange.resumeRequest();
    expect(host.last.events).toEqual(['body 01234']);
    host.last.exchange.pauseRequest();
    await client.send('56789');
    expect(host.last.events).toEqual(['body 01234']);
    host.last.exchange.resumeRequest();
    await settled();
    expect(host.last.events).toEqual(['body 0123456789', 'end']);
  });

  it('keeps the client from sending more while it is not taken', async () => {
    const { client, host } = connect();
    await client.send(post('/', 'Content-Length: 1000000'));
    await client.send(Buffer.alloc(1_000_000));
    expect(client.socket.writableLength).toBeGreaterThan(500_000);
    host.last.exchange.resumeRequest();
    await settled();
    expect(client.socket.writableLength).toBe(0);
    expect(host.last.events.at(-1)).toBe('end');
  });

  it('brings its trailers', async () => {
    const { client, host } = connect();
    await client.send(`${post('/', 'Transfer-Encoding: chunked')}1\r\nx\r\n0\r\nSum: 1\r\n\r\n`);
    host.last.exchange.resumeRequest();
    expect(host.last.events).toEqual(['body x', 'end Sum=1']);
  });

  it('that breaks the framing is answered with 400, and the connection ends', async () => {
    const { client, host } = connect();
    await client.send(post('/', 'Transfer-Encoding: chunked'));
    host.last.exchange.resumeRequest();
    await client.send('nonsense\r\n');
    expect(statusOf(client.received)).toBe(400);
    expect(codeOf(client.received)).toBe('bad_chunk');
    expect(client.ended).toBe(true);
    expect(host.last.events).toEqual(['abort bad_chunk']);
    expect(host.reports).toEqual(['failed bad_chunk']);
    expect(host.underWay).toBe(0);
  });

  it('above max_body_bytes is refused: by its length at once, chunked when it is passed', async () => {
    const first = connect({ limits: { maxBodyBytes: 10 } });
    await first.client.send(post('/', 'Content-Length: 11'));
    expect([statusOf(first.client.received), codeOf(first.client.received)]).toEqual([413, 'body_too_large']);
    const second = connect({ limits: { maxBodyBytes: 10 } });
    await second.client.send(post('/', 'Transfer-Encoding: chunked'));
    second.host.last.exchange.resumeRequest();
    await second.client.send('b\r\n01234567890\r\n');
    expect([statusOf(second.client.received), codeOf(second.client.received)]).toEqual([413, 'body_too_large']);
  });

  it('whose client ends its side too soon costs the exchange', async () => {
    const { client, host } = connect();
    await client.send(`${post('/', 'Content-Length: 10')}01234`);
    host.last.exchange.resumeRequest();
    await client.end();
    expect(host.last.events).toEqual(['body 01234', 'abort client_closed']);
    expect(client.reset).toBe(true);
    expect(host.underWay).toBe(0);
  });
});

describe('an early answer', () => {
  it('to a short body keeps the connection, and what is left of the body is read over', async () => {
    const { client, host } = connect();
    await client.send(`${post('/1', 'Content-Length: 10')}01234`);
    host.last.respond(200, 'early');
    await client.send(`56789${get('/2')}`);
    host.last.respond(200, 'next');
    await settled();
    expect(bodies(client.received)).toEqual(['early', 'next']);
  });

  it('that refuses a body of unknown length says that the connection ends', async () => {
    const { client, host } = connect();
    await client.send(post('/', 'Transfer-Encoding: chunked'));
    host.last.respond(404, 'no');
    await client.send('5\r\nhello\r\n');
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    // Until the client has read the answer its bytes are read over: it must not lose it to a reset.
    expect([client.reset, client.closed]).toEqual([false, false]);
    await client.end();
    expect(client.closed).toBe(true);
  });

  it('to a body that goes on for more than 1 MiB ends the connection', async () => {
    const { client, host } = connect();
    await client.send(post('/', 'Transfer-Encoding: chunked'));
    host.last.exchange.resumeRequest();
    host.last.respond(200, 'ok');
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    for (let i = 0; i < 16; i++) await client.send(chunk);
    expect(client.ended).toBe(false);
    await client.send(chunk);
    expect(client.ended).toBe(true);
    expect(client.received).not.toContain('Connection: close');
  });

  it.each([1, 5])('in the midst of the body keeps the connection, %d bytes at a time', async (size) => {
    const action: Action = {
      handle(exchange) {
        const taken = new TakenExchange(exchange);
        taken.onRequestBody = () => taken.respond(200, exchange.path);
        if (exchange.requestFraming === 0) taken.respond(200, exchange.path);
        else exchange.resumeRequest();
      },
    };
    const { client, host } = connect({ action });
    await client.send(post('/1', 'Content-Length: 5'));
    for (let at = 0; at < 5; at += size) await client.send('12345'.slice(at, at + size));
    await client.send(get('/2'));
    expect(bodies(client.received)).toEqual(['/1', '/2']);
    expect([host.underWay, host.reports]).toEqual([0, []]);
  });

  it('to a client that waits for 100 ends the connection: what follows could be either', async () => {
    const { client, host } = connect();
    await client.send(post('/', 'Content-Length: 5', 'Expect: 100-continue'));
    host.last.respond(200, 'no need');
    await settled();
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
  });
});

describe('the answer to a request that cannot be taken', () => {
  it.each([
    ['505 for another version', 505, 'GET / HTTP/2.0\r\n\r\n'],
    ['400 for a line that is none', 400, 'GET\r\n\r\n'],
    ['400 for a length that is none', 400, get('/', 'Content-Length: x')],
    ['431 for a head that is too long', 431, get('/', `X: ${'y'.repeat(70_000)}`)],
  ])('is %s, and the end of the connection', async (_, status, request) => {
    const { client, host } = connect({ action: ECHO });
    await client.send(request + get('/behind'));
    expect(statusOf(client.received)).toBe(status);
    expect(client.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(client.ended).toBe(true);
    expect(host.underWay).toBe(0);
  });

  it('leaves the connection in order where the end of the request is known', async () => {
    const { client, host } = connect({ action: ECHO });
    await client.send('GET / HTTP/1.1\r\nHost: nowhere.test\r\n\r\n' + get('/next'));
    expect(client.received).toContain('404 Not Found (no_route)\n');
    expect(client.received.endsWith('GET /next \n')).toBe(true);
    expect(host.reports).toEqual(['failed no_route']);
  });
});

describe('a fault of an action', () => {
  it('is answered with 500 when there is no answer yet, and costs no other request', async () => {
    const { client, host } = connect({
      action: {
        handle(exchange) {
          if (exchange.path === '/broken') throw new Error('a fault');
          ECHO.handle(exchange);
        },
      },
    });
    await client.send(get('/broken') + get('/next'));
    expect(statusOf(client.received)).toBe(500);
    expect(client.received.endsWith('GET /next \n')).toBe(true);
    expect(host.reports).toEqual(['failed internal']);
  });

  it('in a later turn costs the connection alone', async () => {
    const { client, host } = connect();
    await client.send(get('/'));
    host.last.exchange.guard(() => {
      throw new Error('a fault');
    });
    await settled();
    expect(client.reset).toBe(true);
    expect(host.reports).toEqual(['failed internal']);
    expect(host.underWay).toBe(0);
  });
});
