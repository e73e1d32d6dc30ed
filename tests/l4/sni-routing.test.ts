import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { clientHello, inRecords, largeClientHello } from '../testing/client-hello.ts';
import { RawClient } from '../testing/raw-client.ts';
import { Relayed } from '../testing/relayed.ts';
import { sClient } from '../testing/s-client.ts';
import { lastRequest } from '../testing/tls.ts';
import { TlsClient } from '../testing/tls-client.ts';

let relayed: Relayed;
/** A client that sends a part of its ClientHello, and nothing more while the other tests run. */
let slow: RawClient;
/** Milliseconds until it was given up. */
let slowFor = 0;

beforeAll(async () => {
  relayed = await Relayed.start({
    routes: [
      { match: { domain: 'path.test', path: '/only' }, action: { type: 'drop' } },
      { match: { domain: '*.drop.test' }, action: { type: 'drop' } },
      { match: { domain: 'first.pass.test' }, action: { type: 'static', status: 200, body_ref: { text: 'first' } } },
      { match: { domain: '*.pass.test' }, action: { type: 'pass', upstream: '127.0.0.1:1' } },
      { match: { domain: 'path.test' }, action: { type: 'static', status: 200, body_ref: { text: 'path' } } },
    ],
    args: ['-log-level=debug'],
  });
  slow = await RawClient.connect(relayed.daemon.port());
  const since = performance.now();
  slow.socket.write(relayed.hello.subarray(0, 100));
  slow.socket.once('end', () => (slowFor = performance.now() - since));
});
beforeEach(() => relayed.reset());
afterAll(() => relayed.stop());

/** Sends pieces, each of which is read by itself, and returns what the upstream got. */
async function arrived(pieces: readonly Buffer[]): Promise<Buffer> {
  const { length } = Buffer.concat(pieces);
  const index = relayed.upstream.peers.length;
  const client = await RawClient.connect(relayed.daemon.port());
  client.socket.setNoDelay(true);
  for (const piece of pieces) {
    client.socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const peer = await relayed.upstream.peer(index);
  await peer.until(() => peer.received.length >= length, 'all bytes');
  client.end();
  peer.end();
  await peer.gone();
  return Buffer.from(peer.received, 'latin1');
}

describe('a connection to a TLS port', () => {
  it.each([
    ['own.test', 'own'],
    ['OWN.Test', 'own'],
    ['first.pass.test', 'first'],
    ['path.test', 'path'],
  ])('for %s is terminated and answered by the route of the name', async (name, body) => {
    const client = await TlsClient.connect(relayed.daemon.port(), name);
    expect(await client.get('/', name)).toMatchObject({ status: 200, body });
  });

  it('without a route for its name is terminated and answered 404', async () => {
    const client = await TlsClient.connect(relayed.daemon.port(), 'none.test');
    expect(await client.get('/', 'none.test')).toMatchObject({ status: 404 });
  });

  it('without a server name is terminated', async () => {
    const client = await TlsClient.connect(relayed.daemon.port(), '');
    expect(await client.get('/', 'own.test')).toMatchObject({ status: 200, body: 'own' });
  });

  it('with an address for a server name is terminated, as clients send what stands in their URL', async () => {
    // Node refuses to send one.
    const output = await sClient(relayed.daemon.port(), ['-servername', '127.0.0.1'], lastRequest('own.test'));
    expect(output).toMatch(/HTTP\/1\.1 200 [^]*\r\n\r\nown/);
  });

  it('is answered 421 for the host of a pass route when TLS was terminated for another name', async () => {
    const client = await TlsClient.connect(relayed.daemon.port(), 'own.test');
    expect(await client.get('/', 'pass.test')).toMatchObject({
      status: 421,
      body: expect.stringContaining('misdirected'),
    });
  });

  it('is closed without a byte by a drop route of its name, and logged', async () => {
    const before = (await readLog(relayed.accessLog)).length;
    const client = await RawClient.connect(relayed.daemon.port());
    const hello = await clientHello('any.drop.test');
    client.socket.write(hello);
    expect(await client.toEnd()).toBe('');
    const lines = await logLines(relayed.accessLog, before + 1);
    expect(lines.at(-1)).toMatchObject({
      protocol: 'tcp',
      host: 'any.drop.test',
      route: 'web:1',
      error: 'dropped',
      status: null,
      bytes_in: hello.length,
      bytes_out: 0,
      upstream_addr: null,
      client_addr: '127.0.0.1',
    });
  });

  it('is decided by the path as well where the first route of its name asks for one', async () => {
    const client = await TlsClient.connect(relayed.daemon.port(), 'path.test');
    await expect(client.get('/only', 'path.test')).rejects.toThrow();
  });
});

describe('the ClientHello', () => {
  it('reaches the upstream whole and once, wherever it is cut', async () => {
    const { hello } = relayed;
    for (let cut = 1; cut < hello.length; cut += 7) {
      expect(await arrived([hello.subarray(0, cut), hello.subarray(cut)])).toEqual(hello);
    }
  });

  it('reaches the upstream whole when it comes byte by byte', async () => {
    const pieces = [...relayed.hello].map((byte) => Buffer.from([byte]));
    expect(await arrived(pieces)).toEqual(relayed.hello);
  });

  it.each([1, 3, 64, 500])('reaches the upstream as it came in records of %d bytes', async (size) => {
    const hello = inRecords(relayed.hello, size);
    expect(await arrived([hello])).toEqual(hello);
  });

  it('reaches the upstream together with what came behind it', async () => {
    const all = Buffer.concat([relayed.hello, Buffer.alloc(100_000, 'early')]);
    expect(await arrived([all])).toEqual(all);
    expect(await arrived([all.subarray(0, 100), all.subarray(100)])).toEqual(all);
  });

  it('may be larger than a segment', async () => {
    const hello = await largeClientHello('pass.test', 12_000);
    expect(await arrived([hello])).toEqual(hello);
    expect(await arrived([hello.subarray(0, 5000), hello.subarray(5000, 9000), hello.subarray(9000)])).toEqual(hello);
  });

  it.each([
    [
      'is larger than 16 KiB',
      () => largeClientHello('pass.test', 16_400).then((hello) => inRecords(hello, 9000)),
      'client_hello_too_large',
    ],
    ['is no ClientHello', () => Promise.resolve(Buffer.from('160301000402000000', 'hex')), 'bad_client_hello'],
    [
      'is cut off by another record',
      async () => Buffer.concat([inRecords(relayed.hello, 100).subarray(0, 105), Buffer.from('15030100020100', 'hex')]),
      'bad_client_hello',
    ],
  ])('closes the connection when it %s', async (_, bytes, code) => {
    const from = relayed.daemon.log.length;
    const client = await RawClient.connect(relayed.daemon.port());
    client.socket.write(await bytes());
    expect(await client.toEnd()).toBe('');
    await relayed.daemon.logged(
      ({ msg, error }) => msg === 'connection refused' && (error as { code: string }).code === code,
      from,
    );
  });

  it('closes the connection when it is not complete within 5 seconds', async () => {
    expect(await slow.toEnd()).toBe('');
    expect(slowFor).toBeGreaterThan(4900);
    expect(slowFor).toBeLessThan(9000);
  });
});

describe('what is no TLS', () => {
  it.each(['GET / HTTP/1.1\r\nHost: own.test\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'P'])(
    'is told that the port speaks TLS when it may be HTTP: %j',
    async (request) => {
      const client = await RawClient.connect(relayed.daemon.port());
      const answer = await client.send(request).toEnd();
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).toMatch(/^Connection: close\r$/m);
      expect(answer).toContain('this port speaks TLS');
      client.end();
      await client.gone();
      expect(client.reset).toBe(false);
    },
  );

  it('gets the answer though it goes on sending', async () => {
    const client = await RawClient.connect(relayed.daemon.port());
    client.send(`POST / HTTP/1.1\r\nHost: own.test\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`);
    expect(await client.toEnd()).toContain('this port speaks TLS');
    client.end();
    await client.gone();
    expect(client.reset).toBe(false);
  });

  it.each(['\0', '\x80\x2e\x01', 'get / HTTP/1.1\r\n\r\n', '\r\n', '\xff'])(
    'is closed otherwise: %j',
    async (bytes) => {
      const client = await RawClient.connect(relayed.daemon.port());
      expect(await client.send(bytes).toEnd()).toBe('');
    },
  );

  it('is logged at debug level alone', () => {
    const lines = relayed.daemon.log.filter(({ msg }) => msg === 'connection refused');
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['debug']));
  });
});
