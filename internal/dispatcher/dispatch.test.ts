import { connect as connectHttp2 } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { bodies, get } from '../downstream/testing/http1-client.ts';
import type { MemoryService } from '../downstream/testing/memory-host.ts';
import { type ConnectionVerdict, type Filter, Run } from '../exchange/index.ts';
import { settled } from '../transport/testing/memory-client.ts';
import { asSocket } from '../transport/testing/memory-socket.ts';
import { type Accepted, connect, until } from './testing/accepted.ts';

/** The connection preface of HTTP/2 with empty SETTINGS (RFC 9113 §3.4). */
const HTTP2 = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

/** Whether a server has begun with its SETTINGS. */
const speaksHttp2 = ({ client }: Accepted): boolean => client.received[3] === '\x04';

describe('a plain connection', () => {
  it('that begins with a request is HTTP/1.1', async () => {
    const each = connect();
    await each.client.send(get('/'));
    expect(bodies(each.client.received)).toEqual(['GET / \n']);
    expect(each.slot.sessions.size).toBe(1);
  });

  it('is HTTP/2 by its preface, wherever that is cut', async () => {
    for (let cut = 1; cut < HTTP2.length; cut++) {
      const each = connect();
      await each.client.send(HTTP2.slice(0, cut));
      await each.client.send(HTTP2.slice(cut));
      await until(() => speaksHttp2(each));
      expect([cut, each.host.reports]).toEqual([cut, []]);
      await each.client.close();
      await until(() => each.slot.sessions.size === 0);
    }
  });

  it('is HTTP/2 by its preface, byte by byte', async () => {
    const each = connect();
    await each.client.dribble(HTTP2);
    await until(() => speaksHttp2(each));
    expect(each.host.reports).toEqual([]);
    await each.client.close();
  });

  it.each(['P', 'PR', 'PRI', 'PO', 'PRO'])('that begins with %s and is no preface is HTTP/1.1', async (begin) => {
    const each = connect();
    await each.client.send(begin);
    expect(each.client.received).toBe('');
    await each.client.send(`X / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    expect(bodies(each.client.received)).toEqual([`${begin}X / \n`]);
  });

  it('serves requests of HTTP/2', async () => {
    const each = connect();
    const session = connectHttp2('http://a.test', { createConnection: () => asSocket(each.client.socket) });
    const stream = session.request({ ':path': '/over-http2' });
    let text = '';
    stream.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => stream.once('close', resolve));
    expect(text).toBe('GET /over-http2 \n');
    session.destroy();
  });

  it('that says nothing is closed when header_timeout has passed', async () => {
    const each = connect({ limits: { headerTimeout: 1000 } });
    each.slot.clock.pass(1200);
    await settled();
    expect([each.client.ended, each.client.received, each.slot.sessions.size]).toEqual([true, '', 0]);
  });

  it('that stops in what could be a preface gets the 408 of a slow head', async () => {
    const each = connect({ limits: { headerTimeout: 1000 } });
    await each.client.send('PRI');
    each.slot.clock.pass(1200);
    await settled();
    expect(each.client.received).toMatch(/^HTTP\/1\.1 408 .*\(head_timeout\)\n$/s);
  });

  it('that ends before it has begun is closed', async () => {
    const each = connect();
    await each.client.end();
    expect([each.client.closed, each.slot.sessions.size, each.host.reports]).toEqual([true, 0, []]);
  });

  it('has half a second for its first request when the listener goes away', async () => {
    const each = connect();
    each.slot.drain();
    each.slot.clock.pass(300);
    await each.client.send(get('/'));
    expect(each.client.received).toContain('\r\nConnection: close\r\n');
    const silent = connect();
    silent.slot.drain();
    silent.slot.clock.pass(800);
    await settled();
    expect([silent.client.ended, silent.slot.sessions.size]).toEqual([true, 0]);
  });
});

describe('a connection from a trusted proxy', () => {
  const service = { proxyProtocol: true, trusted: ['127.0.0.1'] };
  const V1 = 'PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n';
  /** Version 2, PROXY, TCP over IPv4: the same addresses. */
  const V2 = `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\x57\x08\xae`;
  const TELL: MemoryService['action'] = {
    handle(exchange) {
      const { clientAddress, clientPort, localAddress, localPort } = exchange;
      const text = Buffer.from(`${clientAddress}:${clientPort} ${localAddress}:${localPort}`);
      exchange.respond(200, 'OK', exchange.requestFields, text.length);
      exchange.write(text, 0, text.length);
      exchange.end(null);
    },
  };

  it.each([
    ['version 1', V1],
    ['version 2', V2],
  ])('takes its addresses from a header of %s, wherever that is cut', async (_, header) => {
    for (let cut = 1; cut < header.length; cut++) {
      const each = connect({ ...service, action: TELL });
      await each.client.send(header.slice(0, cut));
      await each.client.send(header.slice(cut) + get('/'));
      expect([cut, bodies(each.client.received)]).toEqual([cut, ['192.0.2.1:1111 192.0.2.2:2222']]);
    }
  });

  it('may be HTTP/2 behind its header', async () => {
    const each = connect(service);
    await each.client.send(V1 + HTTP2);
    await until(() => speaksHttp2(each));
    expect(each.host.reports).toEqual([]);
    await each.client.close();
  });

  it.each([
    ['has no header', get('/')],
    ['has a header that is none', 'PROXY TCP4 nonsense\r\n'],
  ])('is refused when it %s', async (_, bytes) => {
    const each = connect(service);
    await each.client.send(bytes);
    expect(each.host.reports).toEqual(['refused bad_proxy_header']);
    expect([each.client.closed || each.client.ended, each.client.received]).toEqual([true, '']);
    expect(each.slot.sessions.size).toBe(0);
  });

  it('is refused when it ends in its header, and closed when it says nothing at all', async () => {
    const within = connect(service);
    await within.client.send('PROXY TCP4');
    await within.client.end();
    expect(within.host.reports).toEqual(['refused bad_proxy_header']);
    const silent = connect(service);
    await silent.client.end();
    expect([silent.client.closed, silent.host.reports]).toEqual([true, []]);
  });

  it('is refused when its header is not complete within header_timeout', async () => {
    const each = connect({ ...service, limits: { headerTimeout: 1000 } });
    await each.client.send('PROXY ');
    each.slot.clock.pass(1200);
    expect(each.host.reports).toEqual(['refused bad_proxy_header']);
  });

  it('is expected to have none when it comes from elsewhere', async () => {
    const each = connect({ ...service, trusted: ['192.0.2.9'] });
    await each.client.send(get('/'));
    expect(bodies(each.client.received)).toEqual(['GET / \n']);
  });
});

describe('a filter of connections', () => {
  const asked = (
    verdict: (name: string | null) => ConnectionVerdict,
  ): { seen: (string | null)[]; filters: Filter[] } => {
    const seen: (string | null)[] = [];
    const filter: Filter = {
      onConnection(client) {
        seen.push(client.serverName);
        return verdict(client.serverName);
      },
    };
    return { seen, filters: [filter] };
  };

  it('is asked before anything is read, and lets a connection in', async () => {
    const { seen, filters } = asked(() => null);
    const each = connect({ filters });
    expect(seen).toEqual([null]);
    await each.client.send(get('/'));
    expect(bodies(each.client.received)).toEqual(['GET / \n']);
  });

  it('closes a connection without a word', async () => {
    const { filters } = asked(() => 'drop');
    const each = connect({ filters });
    await settled();
    expect([each.client.ended, each.client.received, each.slot.sessions.size]).toEqual([true, '', 0]);
  });

  it('may wait: what comes meanwhile is kept', async () => {
    let decide: (verdict: null) => void = () => {};
    const { filters } = asked(() => new Run(1000, () => new Promise<null>((resolve) => (decide = resolve))));
    const each = connect({ filters });
    await each.client.send(get('/early'));
    expect(each.client.received).toBe('');
    decide(null);
    await settled();
    expect(bodies(each.client.received)).toEqual(['GET /early \n']);
  });
});
