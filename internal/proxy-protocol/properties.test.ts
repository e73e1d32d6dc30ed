import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIpv4, parseIpv6 } from './ip-address.ts';
import { ProxyHeaderReader } from './proxy-header-reader.ts';
import { type ProxyEndpoint } from './proxy-header.ts';
import { headerLog } from './testing/header-log.ts';
import { proxyHeaderV1 } from './version-1.ts';
import { proxyHeaderV2 } from './version-2.ts';

const RUNS = 10_000;
const port = fc.integer({ min: 0, max: 65_535 });
const v4 = fc.record({ address: fc.ipV4(), port });
const v6 = fc.record({ address: fc.ipV6(), port });
const ends = fc.oneof(fc.tuple(v4, v4), fc.tuple(v6, v6), fc.tuple(v4, v6), fc.tuple(v6, v4));
const write = fc.constantFrom(proxyHeaderV1, proxyHeaderV2);

/** A header of either version with a few bytes changed, left out or put in, or with nothing done to it. */
const mutated = fc
  .tuple(write, ends, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 2 }), fc.nat(255)), { maxLength: 3 }))
  .map(([writer, [source, destination], changes]) => {
    const bytes = [...writer(source, destination)];
    for (const [at, removed, byte] of changes) bytes.splice(at % bytes.length, removed, byte);
    return Buffer.from(bytes);
  });

/** Anything: noise, and what is nearly a header. */
const input = fc.oneof(
  { weight: 4, arbitrary: mutated },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
);

/** An address in the form that headers are read in, which says as much as another of the same address. */
function normal({ address }: ProxyEndpoint): string {
  return formatIp((isIP(address) === 4 ? parseIpv4(address) : parseIpv6(address)) as Buffer).replace('::ffff:', '');
}

describe('ProxyHeaderReader', () => {
  it('reads what was written, and nothing behind it', () => {
    fc.assert(
      fc.property(write, ends, fc.uint8Array({ maxLength: 64 }), (writer, [source, destination], rest) => {
        const bytes = writer(source, destination);
        const reader = new ProxyHeaderReader();
        const all = Buffer.concat([bytes, rest]);
        expect(reader.feed(all, 0, all.length)).toBe(bytes.length);
        const { header } = reader;
        expect(header.source?.port).toBe(source.port);
        expect(header.destination?.port).toBe(destination.port);
        expect(normal(header.source as ProxyEndpoint)).toBe(normal(source));
        expect(normal(header.destination as ProxyEndpoint)).toBe(normal(destination));
      }),
      { numRuns: RUNS },
    );
  });

  it('reads a header, needs more or fails with its code, whatever comes, and however it is cut', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat()), (bytes, points) => {
        const whole = headerLog(bytes);
        expect(whole).toMatch(/^(v[12] .*|more|error bad_proxy_header)$/);
        const cuts = points.map((point) => point % (bytes.length + 1)).sort((a, b) => a - b);
        expect(headerLog(bytes, cuts)).toBe(whole);
      }),
      { numRuns: RUNS },
    );
  });

  it('takes the addresses that Node takes, and no others', () => {
    const nearly = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
      fc.tuple(fc.ipV6(), fc.nat(40), fc.constantFrom(':', '0', '.', '1', '::')).map(([address, at, insert]) => {
        return address.slice(0, at) + insert + address.slice(at);
      }),
    );
    fc.assert(
      fc.property(nearly, (text) => {
        expect([text, parseIpv4(text) !== null, parseIpv6(text) !== null]).toEqual([
          text,
          isIP(text) === 4,
          isIP(text) === 6,
        ]);
      }),
      { numRuns: RUNS },
    );
  });
});
