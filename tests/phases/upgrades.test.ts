import { createHash } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Answer, DROP, Run, type Verdict } from '../../internal/exchange/index.ts';
import { Fields } from '../../internal/message/index.ts';
import { eventually } from '../testing/wait.ts';
import { PAIRINGS, PhaseHouse } from './house.ts';
import type { Protocol } from './upstream-server.ts';
import { ShoutingStage } from './stages.ts';

/** Any 16 bytes in Base64 (RFC 6455 §4.1). */
const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A WebSocket handshake of either protocol (RFC 6455 §4.1, RFC 8441 §5), and the bytes behind it. */
class Handshake {
  status = 0;
  received = '';
  over = false;
  stream: Duplex | null = null;
  private readonly stop: () => void;

  private constructor(stop: () => void) {
    this.stop = stop;
  }

  static begin(protocol: Protocol, port: number): Handshake {
    return protocol === 'h2' ? Handshake.overHttp2(port) : Handshake.overHttp1(port);
  }

  end(): void {
    this.stop();
  }

  private static overHttp1(port: number): Handshake {
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': KEY,
      'sec-websocket-version': '13',
    };
    const request = http.request({ port, host: '127.0.0.1', path: '/ws', headers, agent: false });
    const handshake = new Handshake(() => request.socket?.resetAndDestroy());
    request.on('upgrade', (response, socket) => handshake.opened(response.statusCode ?? 0, socket));
    request.on('response', (response) => {
      handshake.status = response.statusCode ?? 0;
      response.resume().on('close', () => (handshake.over = true));
    });
    request.on('error', () => (handshake.over = true));
    request.end();
    return handshake;
  }

  private static overHttp2(port: number): Handshake {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const handshake = new Handshake(() => session.destroy());
    session.on('error', () => {});
    session.on('close', () => (handshake.over = true));
    // RFC 8441 §3: the server has to say first that it knows :protocol.
    session.on('remoteSettings', () => {
      const stream = session.request(
        {
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':scheme': 'http',
          ':path': '/ws',
          'sec-websocket-version': '13',
        },
        { endStream: false },
      );
      stream.on('error', () => {});
      stream.on('close', () => (handshake.over = true));
      stream.on('response', (head) => handshake.opened(Number(head[':status']), stream));
    });
    return handshake;
  }

  private opened(status: number, stream: Duplex): void {
    this.status = status;
    this.stream = stream;
    stream.setEncoding('latin1');
    stream.on('data', (text: string) => (this.received += text));
    stream.on('error', () => {});
    stream.on('close', () => (this.over = true));
  }
}

const later = (verdict: Verdict): Verdict => new Run(5000, () => Promise.resolve(verdict as null));

describe.each(PAIRINGS)('upgrades of $client to $upstream', (pairing) => {
  let house: PhaseHouse;
  const open: Handshake[] = [];
  beforeAll(async () => {
    house = await PhaseHouse.start(pairing);
    house.upstream.onUpgrade((stream, key) => {
      if (key !== null) {
        const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
        const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket'];
        stream.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join('\r\n')}\r\n\r\n`);
      }
      stream.on('data', (bytes: Buffer) => stream.write(bytes));
    });
  });
  afterEach(async () => {
    for (const handshake of open.splice(0)) handshake.end();
    await house.reset();
  });
  afterAll(() => house.stop());

  function begin(): Handshake {
    const handshake = Handshake.begin(pairing.client, house.port);
    open.push(handshake);
    return handshake;
  }

  it.each([
    ['at once', (verdict: Verdict) => verdict],
    ['later', later],
  ])('are tunnels by which no filter of bodies stands, decided %s', async (_when, form) => {
    const responses: number[] = [];
    house.filter = {
      onRequest: () => form(null),
      onUpstreamRequest: () => form(null),
      onResponse: (_exchange, head) => {
        responses.push(head.status);
        head.transformBody(() => new ShoutingStage());
      },
    };
    const handshake = begin();
    const stream = await eventually('the tunnel', () => handshake.stream);
    expect(handshake.status).toBe(pairing.client === 'h2' ? 200 : 101);
    stream.write('hello');
    await eventually('the echo', () => handshake.received === 'hello');
    expect(responses).toEqual([]);
  });

  it('are answered by a filter instead', async () => {
    house.filter = { onRequest: () => later(new Answer(403, new Fields(), 'no')) };
    const handshake = begin();
    await eventually('the answer', () => handshake.status > 0);
    expect(handshake.status).toBe(403);
  });

  it('are dropped by a filter', async () => {
    house.filter = { onRequest: () => DROP };
    const handshake = begin();
    await eventually('the end', () => handshake.over);
    expect(handshake.status).toBe(0);
  });

  it('end once when their client leaves', async () => {
    const ends: number[] = [];
    house.filter = { onEnd: (_exchange, { status }) => void ends.push(status) };
    const handshake = begin();
    await eventually('the tunnel', () => handshake.stream);
    handshake.end();
    await eventually('the end', () => ends.length > 0);
    expect(ends).toEqual([handshake.status]);
  });
});
