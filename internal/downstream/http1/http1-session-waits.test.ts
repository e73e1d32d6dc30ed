import { describe, expect, it } from 'vitest';
import { CHUNKED, Fields, readFieldPairs } from '../../message/index.ts';
import { settled } from '../../transport/testing/memory-client.ts';
import { bodies, codeOf, connect, get, type Http1Client, post, statusOf } from '../testing/http1-client.ts';
import { ECHO } from '../testing/memory-host.ts';

/** Time passes, and what it sets going comes to rest. */
async function pass({ slot }: Http1Client, milliseconds: number): Promise<void> {
  slot.clock.pass(milliseconds);
  await settled();
}

/** What the client has at the end: the status and code of the answer, and whether the connection was reset. */
function fate({ client }: Http1Client): readonly [number, string, boolean] {
  return [statusOf(client.received), codeOf(client.received), client.reset];
}

describe('header_timeout', () => {
  const service = { action: ECHO, limits: { headerTimeout: 1000 } };

  it('closes a connection that says nothing, without a word', async () => {
    const each = connect(service);
    await pass(each, 900);
    expect(each.client.ended).toBe(false);
    await pass(each, 300);
    expect([each.client.ended, each.client.received]).toEqual([true, '']);
  });

  it('answers a head that does not come with 408, whatever dribbles in', async () => {
    const each = connect(service);
    await each.client.send('GET / HTTP/1.1\r\n');
    for (let i = 0; i < 11; i++) {
      await pass(each, 100);
      await each.client.send('X: y\r\n');
    }
    await pass(each, 100);
    expect(fate(each)).toEqual([408, 'head_timeout', false]);
  });

  it('begins with the first byte of a later request', async () => {
    const each = connect({ ...service, limits: { headerTimeout: 1000, idleTimeout: 60_000 } });
    await each.client.send(get('/1'));
    await pass(each, 30_000);
    await each.client.send('GET /2 HT');
    await pass(each, 900);
    await each.client.send('TP/1.1\r\nHost: a.test\r\n\r\n');
    expect(bodies(each.client.received)).toEqual(['GET /1 \n', 'GET /2 \n']);
  });
});

describe('idle_timeout', () => {
  it('closes a connection between requests, without a word', async () => {
    const each = connect({ action: ECHO, limits: { idleTimeout: 5000 } });
    await each.client.send(get('/1'));
    await pass(each, 4900);
    expect(each.client.ended).toBe(false);
    await pass(each, 300);
    expect([each.client.ended, bodies(each.client.received)]).toEqual([true, ['GET /1 \n']]);
  });

  it('does not count while a request is under way', async () => {
    const each = connect({ limits: { idleTimeout: 5000 } });
    await each.client.send(get('/'));
    await pass(each, 60_000);
    each.host.last.respond(200, 'slow');
    await pass(each, 0);
    expect(bodies(each.client.received)).toEqual(['slow']);
  });
});

describe('stall_timeout', () => {
  const service = { limits: { stallTimeout: 1000 } };

  it('answers a body that does not come with 408', async () => {
    const each = connect(service);
    await each.client.send(`${post('/', 'Content-Length: 10')}01234`);
    each.host.last.exchange.resumeRequest();
    await pass(each, 1200);
    expect(fate(each)).toEqual([408, 'client_stalled', false]);
    expect(each.host.last.events).toEqual(['body 01234', 'abort client_stalled']);
  });

  it('lets a body dribble', async () => {
    const each = connect(service);
    await each.client.send(post('/', 'Content-Length: 10'));
    each.host.last.exchange.resumeRequest();
    for (let i = 0; i < 10; i++) {
      await pass(each, 900);
      await each.client.send('x');
    }
    expect(each.host.last.events).toEqual(['body xxxxxxxxxx', 'end']);
  });

  it('does not count while the action takes none of it', async () => {
    const each = connect(service);
    await each.client.send(`${post('/', 'Content-Length: 10')}01234`);
    each.host.last.exchange.resumeRequest();
    each.host.last.exchange.pauseRequest();
    await pass(each, 60_000);
    expect(each.client.received).toBe('');
  });

  it('cuts a response that the client does not take', async () => {
    const each = connect(service, 1000);
    each.client.pause();
    await each.client.send(get('/'));
    const { exchange } = each.host.last;
    exchange.respond(200, 'OK', new Fields(), CHUNKED);
    exchange.write(Buffer.alloc(1_000_000, 'x'), 0, 1_000_000);
    exchange.flush();
    await pass(each, 1500);
    await each.client.resume();
    expect(each.client.reset).toBe(true);
    expect(each.host.last.events).toEqual(['abort client_stalled']);
    expect(each.slot.sessions.size).toBe(0);
  });

  it.each([
    ['', get('/')],
    [', though the connection was to be closed behind it', get('/', 'Connection: close')],
    [', though it ends with the connection', 'GET / HTTP/1.0\r\n\r\n'],
    [', though the connection is read over behind it', `${post('/', 'Content-Length: 100000')}x`],
  ])('cuts the end of a complete response that the client does not take%s', async (_, request) => {
    const each = connect(service, 1000);
    each.client.pause();
    await each.client.send(request);
    const { exchange } = each.host.last;
    exchange.respond(200, 'OK', new Fields(), CHUNKED);
    exchange.write(Buffer.alloc(1_000_000, 'x'), 0, 1_000_000);
    exchange.end(null);
    // A client that is being read over gets as many rounds of two seconds as there are in stall_timeout.
    await pass(each, 5000);
    await each.client.resume();
    expect([each.client.reset, each.client.ended]).toEqual([true, false]);
    expect(each.slot.sessions.size).toBe(0);
  });

  it('lets a response be taken slowly', async () => {
    const each = connect(service, 1000);
    each.client.pause();
    await each.client.send(get('/'));
    const { exchange } = each.host.last;
    exchange.respond(200, 'OK', new Fields(), 300_000);
    exchange.write(Buffer.alloc(300_000, 'x'), 0, 300_000);
    exchange.flush();
    for (let i = 0; i < 4; i++) {
      await pass(each, 700);
      each.client.socket.read(50_000);
      await settled();
    }
    await each.client.resume();
    exchange.end(null);
    await pass(each, 0);
    expect(each.client.reset).toBe(false);
    expect(each.host.last.events).toEqual(['drain']);
  });

  it('does not watch a patient exchange, until its client ends its side', async () => {
    const each = connect(service);
    await each.client.send(get('/'));
    const { exchange } = each.host.last;
    exchange.patient = true;
    exchange.respond(200, 'OK', new Fields(), CHUNKED);
    exchange.flush();
    await pass(each, 60_000);
    expect(each.client.reset).toBe(false);
    await each.client.end();
    await pass(each, 700);
    exchange.write(Buffer.from('x'), 0, 1);
    exchange.flush();
    await pass(each, 700);
    expect(each.client.reset).toBe(false);
    await pass(each, 2000);
    expect(each.client.reset).toBe(true);
    expect(each.host.last.events).toEqual(['abort client_stalled']);
  });
});

describe('bounds on a whole exchange', () => {
  it('read_timeout answers a request that does not end with 408, however lively it is', async () => {
    const each = connect({ limits: { readTimeout: 2000 } });
    await each.client.send(post('/', 'Transfer-Encoding: chunked'));
    each.host.last.exchange.resumeRequest();
    for (let i = 0; i < 22; i++) {
      await each.client.send('1\r\nx\r\n');
      await pass(each, 100);
    }
    expect(fate(each)).toEqual([408, 'request_timeout', false]);
  });

  it('write_timeout answers with 504 what has no answer, and cuts what has one', async () => {
    const late = connect({ limits: { writeTimeout: 2000 } });
    await late.client.send(get('/'));
    await pass(late, 2200);
    expect(late.host.last.events).toEqual(['abort response_timeout']);
    const cut = connect({ limits: { writeTimeout: 2000 } });
    await cut.client.send(get('/'));
    cut.host.last.exchange.respond(200, 'OK', new Fields(), 10);
    cut.host.last.exchange.flush();
    await pass(cut, 2200);
    expect([statusOf(cut.client.received), cut.client.reset]).toEqual([200, true]);
    expect(cut.host.last.events).toEqual(['abort response_timeout']);
  });

  it('min_rate answers a body that comes too slowly with 408', async () => {
    const each = connect({ limits: { minRate: 100 } });
    await each.client.send(post('/', 'Content-Length: 100000'));
    each.host.last.exchange.resumeRequest();
    for (let second = 0; second < 12; second++) {
      await each.client.send('x'.repeat(50));
      await pass(each, 1000);
    }
    expect(fate(each)).toEqual([408, 'body_too_slow', false]);
  });
});

describe('an answer behind which the connection ends', () => {
  it('is not lost to a client that still sends: its bytes are read over for two seconds', async () => {
    const each = connect();
    await each.client.send(post('/', 'Transfer-Encoding: chunked'));
    each.host.last.respond(404, 'no');
    for (let i = 0; i < 5; i++) await each.client.send('x'.repeat(60_000));
    expect([each.client.ended, each.client.reset]).toEqual([true, false]);
    await pass(each, 2200);
    await each.client.send('x');
    await each.client.send('x');
    expect(each.client.closed).toBe(true);
    expect(each.slot.sessions.size).toBe(0);
  });
});

describe('an interim response', () => {
  it('goes to clients of HTTP/1.1, and a 100 only where it is waited for', async () => {
    const each = connect();
    await each.client.send(post('/', 'Content-Length: 2', 'Expect: 100-continue'));
    each.host.last.exchange.inform(100, 'Continue', new Fields());
    await pass(each, 0);
    expect(each.client.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    each.host.last.exchange.resumeRequest();
    await each.client.send('ok');
    each.host.last.exchange.inform(103, 'Early Hints', Fields.of([['Link', '</a>']]));
    each.host.last.respond(200, 'done');
    await pass(each, 0);
    expect(each.client.received).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    const without = connect();
    await without.client.send(get('/'));
    without.host.last.exchange.inform(100, 'Continue', new Fields());
    await pass(without, 0);
    expect(without.client.received).toBe('');
  });
});

describe('a tunnel', () => {
  async function open(limits = {}): Promise<Http1Client> {
    const each = connect({ limits });
    await each.client.send(`${get('/', 'Connection: upgrade', 'Upgrade: raw')}early `);
    expect(each.host.last.exchange.upgrade).toBe('raw');
    const fields = new Fields();
    readFieldPairs(fields, ['upgrade', 'raw'], 'bad_response');
    each.host.last.exchange.respondTunnel(101, 'Switching Protocols', fields);
    await pass(each, 0);
    expect(each.client.take()).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n');
    return each;
  }

  it('passes bytes both ways, those that came before it among them', async () => {
    const each = await open();
    const taken = each.host.last;
    expect(taken.events).toEqual(['body early ']);
    await each.client.send('later');
    expect(taken.events).toEqual(['body early later']);
    taken.exchange.write(Buffer.from('back'), 0, 4);
    taken.exchange.flush();
    await pass(each, 0);
    expect(each.client.received).toBe('back');
  });

  it('may be silent for ever', async () => {
    const each = await open({ stallTimeout: 1000, idleTimeout: 1000, headerTimeout: 1000 });
    await pass(each, 600_000);
    expect(each.client.closed || each.client.ended).toBe(false);
  });

  it('goes on one way when the other has ended, and is over behind both', async () => {
    const each = await open();
    const taken = each.host.last;
    await each.client.end();
    expect(taken.events.at(-1)).toBe('end');
    taken.exchange.write(Buffer.from('last'), 0, 4);
    taken.exchange.end(null);
    await pass(each, 0);
    expect([each.client.received, each.client.closed, each.client.reset]).toEqual(['last', true, false]);
    expect(each.host.underWay).toBe(0);
    expect(each.host.reports).toEqual([]);
  });

  it('is worth no more than stall_timeout once the other side has ended', async () => {
    const each = await open({ stallTimeout: 1000 });
    each.host.last.exchange.end(null);
    await pass(each, 700);
    await each.client.send('still here');
    await pass(each, 700);
    expect(each.slot.sessions.size).toBe(1);
    await pass(each, 700);
    expect(each.slot.sessions.size).toBe(0);
    expect(each.host.last.events.at(-1)).toBe('abort client_stalled');
  });

  it('is cut when the action fails', async () => {
    const each = await open();
    await each.client.break();
    expect(each.host.last.events.at(-1)).toBe('abort client_closed');
    expect(each.host.underWay).toBe(0);
  });
});
