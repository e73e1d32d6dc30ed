import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makePair } from '../../tests/testing/certificates.ts';
import type { HostRoute } from '../downstream/index.ts';
import { bodies, get } from '../downstream/testing/http1-client.ts';
import { MemoryHost, type MemoryService, type MemorySlot } from '../downstream/testing/memory-host.ts';
import type { ConnectionAction } from '../exchange/index.ts';
import { message, records, serverName, vector16 } from '../tlshello/testing/hello-bytes.ts';
import { TlsAcceptor } from '../transport/index.ts';
import { settled } from '../transport/testing/memory-client.ts';
import { type Accepted, connect, until } from './testing/accepted.ts';

const PAIR = makePair({ subject: 'a.test', alternatives: 'DNS:a.test' });

function acceptorOf(slot: MemorySlot): TlsAcceptor {
  const settings = {
    certificates: [{ ...PAIR, names: ['a.test'], keyType: 'ec' }],
    h2: true,
    clientCa: null,
    clientRequired: false,
    handshakeTimeout: 10_000,
    ticketKeys: Buffer.alloc(48),
    protocol: { min: '1.2', max: '1.3', ciphers: null, curves: null },
    sessionContext: 'test',
  } as const;
  return new TlsAcceptor(settings, slot.deadlines);
}

/**
 * A TLS listener with a certificate. Over a unix socket: a TLSSocket that Node makes over another stream than a socket of
 * the kernel has no addresses, which is how a handshake over TCP finds its connection.
 */
const secure = (service: MemoryService = {}): Accepted =>
  connect({ plain: false, ...service }, acceptorOf, { unix: true });

async function handshake({ client }: Accepted, ...alpn: string[]): Promise<TLSSocket> {
  client.socket.removeAllListeners('data');
  const socket = connectTls({
    socket: client.socket,
    servername: 'a.test',
    ca: PAIR.cert,
    ...(alpn.length === 0 ? {} : { ALPNProtocols: alpn }),
  });
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

const HELLO = records(message({ extensions: vector16(serverName('a.test')) }));

describe('a connection to a TLS listener', () => {
  it('is HTTP/1.1 when nothing else is agreed on', async () => {
    const socket = await handshake(secure());
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.write(get('/'));
    await until(() => text.endsWith('GET / \n'));
    expect(bodies(text)).toEqual(['GET / \n']);
    socket.destroy();
  });

  it('is HTTP/2 when that is agreed on', async () => {
    const socket = await handshake(secure(), 'h2', 'http/1.1');
    expect(socket.alpnProtocol).toBe('h2');
    const session = connectHttp2('https://a.test', { createConnection: () => socket });
    const stream = session.request({ ':path': '/' });
    let text = '';
    stream.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => stream.once('close', resolve));
    expect(text).toBe('GET / \n');
    session.destroy();
  });

  it('that begins with a request without TLS is told so, and its request is read over', async () => {
    const each = secure();
    await each.client.send(get('/'));
    expect(each.client.received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*not_tls/);
    expect(each.host.reports).toEqual(['refused not_tls']);
    await each.client.send('x'.repeat(60_000));
    expect(each.client.reset).toBe(false);
    await each.client.end();
    expect([each.client.closed, each.slot.sessions.size]).toEqual([true, 0]);
  });

  it('that begins with anything else is closed without a word', async () => {
    const each = secure();
    await each.client.send('\0\0\0');
    expect([each.client.ended, each.client.received, each.host.reports]).toEqual([true, '', ['refused not_tls']]);
    expect(each.slot.sessions.size).toBe(0);
  });

  it('that says nothing is refused when tls_handshake_timeout has passed', async () => {
    const each = secure({ limits: { tlsHandshakeTimeout: 1000 } });
    each.slot.clock.pass(1200);
    await settled();
    expect([each.client.ended, each.host.reports]).toEqual([true, ['refused tls_handshake']]);
  });

  it('that stops in its handshake is refused when its time is up', async () => {
    const each = secure();
    await each.client.send(HELLO.subarray(0, 20));
    each.slot.clock.pass(11_000);
    await settled();
    expect([each.client.closed || each.client.ended, each.host.reports]).toEqual([true, ['refused tls_handshake']]);
    expect(each.slot.sessions.size).toBe(0);
  });

  it('is killed in its handshake', async () => {
    const each = secure();
    await each.client.send(HELLO.subarray(0, 20));
    each.slot.drain();
    each.slot.clock.pass(1200);
    await settled();
    expect(each.slot.sessions.size).toBe(0);
  });

  it('has no more time for a handshake that begins when the listener is closing already', async () => {
    const each = secure();
    each.slot.drain();
    await each.client.send(HELLO.subarray(0, 20));
    each.slot.clock.pass(1200);
    await settled();
    expect(each.slot.sessions.size).toBe(0);
  });
});

/** Takes connections and keeps what came with them. */
class Relay implements ConnectionAction {
  readonly taken: string[] = [];

  take(client: Parameters<ConnectionAction['take']>[0]): void {
    this.taken.push(`${client.host} ${client.head.length}`);
    client.connection.destroy();
    client.over(null);
  }
}

function relayed(relay: ConnectionAction, decided = true): Record<string, HostRoute> {
  const value = { ...new MemoryHost().unrouted, action: { handle() {}, relay } };
  return { 'a.test': { decided, value } };
}

describe('a ClientHello, where routes ask for its server name', () => {
  it('is given to the route that passes it on, wherever it is cut', async () => {
    for (let cut = 1; cut < HELLO.length; cut++) {
      const relay = new Relay();
      const each = connect({ peeks: true, hosts: relayed(relay) });
      await each.client.send(HELLO.subarray(0, cut));
      expect(relay.taken).toEqual([]);
      await each.client.send(HELLO.subarray(cut));
      expect([cut, relay.taken]).toEqual([cut, [`a.test ${HELLO.length}`]]);
      expect([each.slot.sessions.size, each.host.underWay]).toEqual([0, 0]);
    }
  });

  it('of another name is refused where there is no certificate', async () => {
    const each = connect({ peeks: true });
    await each.client.send(HELLO);
    expect(each.host.reports).toEqual(['failed no_route']);
    expect([each.client.ended, each.slot.sessions.size, each.host.underWay]).toEqual([true, 0, 0]);
  });

  it.each([
    ['of another name', {}],
    ['of a name whose route also asks for a path', relayed(new Relay(), false)],
  ])('%s ends here where there is a certificate', async (_, hosts) => {
    const socket = await handshake(secure({ peeks: true, hosts }));
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('that is none is refused', async () => {
    const each = connect({ peeks: true });
    await each.client.send('\x16\x03\x01\0\x05nonse');
    expect(each.host.reports).toEqual(['refused bad_client_hello']);
    expect([each.client.ended, each.slot.sessions.size]).toEqual([true, 0]);
  });

  it('that does not come whole within five seconds is refused', async () => {
    const each = connect({ peeks: true });
    await each.client.send(HELLO.subarray(0, 30));
    each.slot.clock.pass(5200);
    await settled();
    expect(each.host.reports).toEqual(['refused bad_client_hello']);
  });

  it('leaves a plain listener to HTTP when it is none', async () => {
    const each = connect({ peeks: true });
    await each.client.send(get('/'));
    expect(bodies(each.client.received)).toEqual(['GET / \n']);
  });
});
