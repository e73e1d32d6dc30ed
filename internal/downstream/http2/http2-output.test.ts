import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProxyError } from '../../base/index.ts';
import { FlushResult } from '../../exchange/index.ts';
import { CHUNKED, Fields, KEEP_ALL, NO_BODY } from '../../message/index.ts';
import { Http2Output } from './http2-output.ts';
import { type Http2Head, http2Head } from './http2-response-head.ts';
import { NodeServerStream } from './node-http2.ts';

/** More than the window of a stream, so that the rest waits until the client reads. */
const LARGE_BYTES = 1_000_000;

let server: Http2Server;
let session: ClientHttp2Session;
/** How often the owner of the output was told that the client has taken what was pending. */
let drained = 0;

beforeEach(async () => {
  drained = 0;
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  session.on('error', () => {});
});
afterEach(() => {
  session.destroy();
  server.close();
});

function headOf(pairs: readonly (readonly [string, string])[], status?: number): Http2Head {
  const head = http2Head(Fields.of(pairs), KEEP_ALL);
  if (status !== undefined) head.fields[':status'] = status;
  return head;
}

const OK = (): Http2Head => headOf([['a', 'b']], 200);

/** Opens a stream. @returns both of its ends */
async function open(): Promise<{ output: Http2Output; stream: ServerHttp2Stream; client: ClientHttp2Stream }> {
  const client = session.request({ ':path': '/' });
  client.on('error', () => {});
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
  stream.on('error', () => {});
  const adapted = new NodeServerStream(stream);
  const output = new Http2Output(adapted, { outputDrained: () => drained++ });
  adapted.attach(
    {
      streamOnData() {},
      streamOnEnd() {},
      streamOnTrailers() {},
      streamOnDrain: () => output.streamOnDrain(),
      streamWantsTrailers: () => output.trailerSection,
      streamOnError() {},
      streamOnClose() {},
    },
    false,
  );
  return { output, stream, client };
}

/** What a client got. */
async function got(client: ClientHttp2Stream): Promise<{ body: string; trailers: unknown; code: number }> {
  let body = '';
  let trailers: unknown = null;
  client.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
  client.on('trailers', (section) => (trailers = Object.fromEntries(Object.entries(section))));
  await new Promise((resolve) => client.once('close', resolve));
  return { body, trailers, code: client.rstCode ?? 0 };
}

function write(output: Http2Output, bytes: Buffer): void {
  output.write(bytes, 0, bytes.length);
}

describe('the output of a stream', () => {
  it('is the head, the body and the trailers that were given, and counts them', async () => {
    const { output, client } = await open();
    const [head, trailers] = [OK(), headOf([['t', '1']])];
    output.begin(head, CHUNKED, false, true);
    write(output, Buffer.from('one '));
    write(output, Buffer.from('two'));
    expect(output.end(trailers)).toBe(FlushResult.taken);
    expect(output.trailing).toBe(true);
    expect(await got(client)).toEqual({ body: 'one two', trailers: { t: '1' }, code: 0 });
    expect(output.bytes).toBe(head.bytes + 7 + trailers.bytes);
  });

  it('is a head that ends the stream where there is no body', async () => {
    const { output, client } = await open();
    output.begin(OK(), NO_BODY, true, false);
    write(output, Buffer.from('left out'));
    const response = once(client, 'response') as Promise<[unknown, number]>;
    output.end(null);
    const [, flags] = await response;
    expect(flags & 1).toBe(1);
    expect((await got(client)).body).toBe('');
  });

  it('takes no more than its framing has said, and knows what is missing', async () => {
    const { output } = await open();
    output.begin(OK(), 4, false, false);
    write(output, Buffer.from('abc'));
    expect(output.missing).toBe(1);
    expect(() => write(output, Buffer.from('de'))).toThrow(ProxyError);
  });

  it('keeps small pieces though their memory is used again', async () => {
    const { output, client } = await open();
    output.begin(OK(), CHUNKED, false, false);
    const lent = Buffer.from('first');
    write(output, lent);
    expect(output.flush()).toBe(FlushResult.taken);
    lent.fill('x');
    output.end(null);
    expect((await got(client)).body).toBe('first');
  });

  it('says that the memory of a large piece is in use', async () => {
    const { output, client } = await open();
    output.begin(OK(), CHUNKED, false, false);
    write(output, Buffer.alloc(5000, 'x'));
    expect(output.flush()).not.toBe(FlushResult.taken);
    output.end(null);
    expect((await got(client)).body).toBe('x'.repeat(5000));
  });

  it.each([true, false])('arrives whole and in order when the client is slow (flushed: %s)', async (flushed) => {
    const { output, client } = await open();
    output.begin(OK(), 3 * LARGE_BYTES, false, false);
    for (const letter of 'abc') {
      write(output, Buffer.alloc(LARGE_BYTES, letter));
      if (flushed) expect(output.flush()).toBe(FlushResult.full);
    }
    expect(output.pending).toBeGreaterThan(LARGE_BYTES);
    output.end(null);
    const { body, code } = await got(client);
    expect(code).toBe(0);
    expect(body === 'abc'.replaceAll(/./g, (letter) => letter.repeat(LARGE_BYTES))).toBe(true);
    expect(output.pending).toBe(0);
  });

  it('tells when the client has taken what was too much', async () => {
    const { output, client } = await open();
    output.begin(OK(), CHUNKED, false, false);
    write(output, Buffer.alloc(LARGE_BYTES, 'x'));
    expect(output.flush()).toBe(FlushResult.full);
    let received = 0;
    client.on('data', (chunk: Buffer) => (received += chunk.length));
    await expect.poll(() => drained).toBe(1);
    expect(output.pending).toBeLessThan(LARGE_BYTES);
    await expect.poll(() => received).toBe(LARGE_BYTES);
    output.reset(new ProxyError('internal', 'over'));
  });

  it.each([
    ['before its head', false],
    ['inside of its body', true],
  ])('is never taken for complete when it is reset %s', async (_, begun) => {
    const { output, client } = await open();
    let ended = false;
    client.on('end', () => (ended = client.rstCode === 0));
    if (begun) {
      output.begin(OK(), CHUNKED, false, false);
      write(output, Buffer.from('part'));
      output.flush();
      await once(client, 'response');
    }
    output.reset(new ProxyError('internal', 'a fault'));
    expect((await got(client)).code).toBe(2);
    expect(ended).toBe(false);
    expect(output.gone).toBe(true);
    expect(output.pending).toBe(0);
  });

  it('keeps nothing of what a client did not take when it is reset', async () => {
    const { output, client } = await open();
    output.begin(OK(), CHUNKED, false, false);
    write(output, Buffer.alloc(LARGE_BYTES, 'x'));
    output.flush();
    await once(client, 'response');
    const before = output.pending;
    output.reset(new ProxyError('internal', 'a fault'));
    // What node:http2 has got is its own.
    expect(output.pending).toBeLessThan(before / 2);
  });

  it('is reset with CANCEL for what is the fault of the client', async () => {
    const { output, client } = await open();
    output.reset(new ProxyError('client_stalled', 'a fault'));
    expect((await got(client)).code).toBe(8);
  });

  it('takes everything and sends nothing when the stream is gone', async () => {
    const { output, stream, client } = await open();
    client.close(8);
    await new Promise((resolve) => stream.once('close', resolve));
    output.inform(headOf([], 103));
    output.begin(OK(), CHUNKED, false, true);
    write(output, Buffer.from('late'));
    expect(output.flush()).toBe(FlushResult.taken);
    expect(output.end(null)).toBe(FlushResult.taken);
    expect(output.gone).toBe(true);
  });

  it('has interim heads before its own', async () => {
    const { output, client } = await open();
    const statuses: number[] = [];
    client.on('headers', (fields) => statuses.push(Number(fields[':status'])));
    client.on('response', (fields) => statuses.push(Number(fields[':status'])));
    output.inform(headOf([['link', '</a>']], 103));
    output.begin(OK(), NO_BODY, true, false);
    output.end(null);
    await got(client);
    expect(statuses).toEqual([103, 200]);
  });
});
