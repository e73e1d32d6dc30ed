import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GET, request } from '../testing/frame-client.ts';
import { frame, headers, type Pairs, Type, uint } from '../testing/http2-frames.ts';
import { Http2Proxied } from '../testing/http2-proxied.ts';
import { response } from '../testing/proxied.ts';

const fields = (count: number, length = 1): Pairs =>
  Array.from({ length: count }, (_, i): [string, string] => [`x-${i}`, 'v'.repeat(length)]);

describe('limits on the head and the trailers of a request', () => {
  let proxied: Http2Proxied;
  beforeAll(async () => {
    proxied = await Http2Proxied.start();
    proxied.upstream.serve(response('ok'));
  });
  afterAll(() => proxied.stop());

  const statusOf = async (pairs: Pairs): Promise<number> => {
    const client = await proxied.h2();
    const own = Object.fromEntries(pairs.filter(([name]) => !name.startsWith(':')));
    const method = pairs.find(([name]) => name === ':method')?.[1] ?? 'GET';
    return (await client.send({ ':path': '/', ':method': method, ...own })).status;
  };

  it('answer 200 and 1000 fields with 431', async () => {
    expect(await statusOf([...GET, ...fields(200)])).toBe(431);
    expect(await statusOf([...GET, ...fields(1000)])).toBe(431);
  });

  it('answer a method of more than 32 bytes with 400', async () => {
    expect(await statusOf(request('A'.repeat(32), '/'))).toBe(200);
    expect(await statusOf(request('A'.repeat(33), '/'))).toBe(400);
  });

  it.each([
    ['65 trailer fields', fields(65)],
    ['8 KiB of them', fields(1, 8200)],
  ])('refuse %s', async (_, trailers) => {
    const client = await proxied.frames();
    client.headers(1, request('POST', '/'), false).data(1, 'body');
    client.write(headers(1, trailers, true));
    expect(['status 400', 'reset 2', 'reset 8']).toContain(await client.outcome(1));
    await proxied.failed('bad_trailer');
  });
});

describe('a GOAWAY that tells of an error', () => {
  it('is warned of, and one that does not is not', async () => {
    const proxied = await Http2Proxied.start();
    const [polite, broken] = [await proxied.frames(), await proxied.frames()];
    polite.write(frame(Type.goaway, 0, 0, uint(0, 4) + uint(0, 4)));
    await polite.goneWith();
    broken.write(frame(Type.goaway, 0, 0, uint(0, 4) + uint(2, 4)));
    await broken.goneWith();
    const { level } = await proxied.failed('h2_goaway');
    expect(level).toBe('warn');
    expect(proxied.daemon.log.filter(({ msg }) => msg === 'connection refused').length).toBe(1);
    await proxied.stop();
  });
});
