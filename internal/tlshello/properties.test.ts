import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientHelloReader } from './client-hello-reader.ts';
import { extension, hex, message, messageIn, records, serverName, vector16, vector8 } from './testing/hello-bytes.ts';
import { helloLog } from './testing/hello-log.ts';

const RUNS = 10_000;
const PARSED_MORE_OR_TYPED = /^(\{.*\}|"more"|"error (bad_client_hello|client_hello_too_large)")$/s;

const RECORDED = (
  JSON.parse(readFileSync(new URL('testdata/client-hellos.json', import.meta.url), 'utf8')) as { hex: string }[]
).map((recorded) => Buffer.from(recorded.hex, 'hex'));

/** A recorded hello with bytes changed, put in or left out, and sometimes in smaller records than before. */
const mutated = fc
  .tuple(
    fc.constantFrom(...RECORDED),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 3 })), { maxLength: 4 }),
    fc.option(fc.integer({ min: 1, max: 2000 })),
  )
  .map(([wire, changes, size]) => {
    const all = [...(size === null ? wire : records(messageIn(wire), size))];
    for (const [at, removed, inserted] of changes) all.splice(at % all.length, removed, ...inserted);
    return Buffer.from(all);
  });

/** Extensions of every kind that is read, with lengths that are right and contents that may not be. */
const composed = fc
  .array(
    fc.oneof(
      fc.stringMatching(/^[a-z0-9_.:-]{0,12}$/).map(serverName),
      fc
        .array(fc.string({ maxLength: 4 }).map((name) => vector8(hex(name))))
        .map((names) => extension(16, vector16(names.join('')))),
      fc.array(fc.constantFrom('0304', '0303', 'fafa', '00')).map((list) => extension(43, vector8(list.join('')))),
      fc
        .tuple(fc.nat(65_535), fc.uint8Array({ maxLength: 9 }))
        .map(([type, data]) => extension(type, Buffer.from(data).toString('hex'))),
    ),
    { maxLength: 6 },
  )
  .map((extensions) => records(message({ extensions: vector16(extensions.join('')) })));

const input = fc.oneof(
  { weight: 6, arbitrary: mutated },
  { weight: 3, arbitrary: composed },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((noise) => Buffer.from(noise)) },
);

describe('ClientHelloReader', () => {
  it('reads a hello, needs more or fails with a code, whatever comes, and however it is cut', () => {
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 8 }), (wire, points) => {
        const whole = helloLog(wire);
        expect(JSON.stringify(whole)).toMatch(PARSED_MORE_OR_TYPED);
        const cuts = points.map((point) => point % (wire.length + 1)).sort((a, b) => a - b);
        expect(helloLog(wire, cuts)).toEqual(whole);
      }),
      { numRuns: RUNS },
    );
  });

  it('needs more behind every part of a hello that it reads', () => {
    fc.assert(
      fc.property(input, fc.nat(), (wire, point) => {
        const outcome = helloLog(wire.subarray(0, point % (wire.length + 1)));
        const whole = helloLog(wire);
        // An error stays one when more comes, and a hello the same.
        if (outcome !== 'more') expect(whole).toEqual(outcome);
      }),
      { numRuns: RUNS },
    );
  });

  it('looks at each byte once: a hello that comes byte by byte costs no more a byte for being long', () => {
    const long = costOfAByte(padded(16_000), 10);
    expect(long).toBeLessThan(costOfAByte(padded(100), 1000) * 5);
  });
});

function padded(length: number): Buffer {
  return records(message({ extensions: vector16(extension(21, '00'.repeat(length))) }));
}

/** CPU time of feeding a byte, the least of several rounds: what else the machine does only adds to it. */
function costOfAByte(wire: Buffer, repeats: number): number {
  const rounds = Array.from({ length: 9 }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < repeats; i++) {
      const reader = new ClientHelloReader();
      for (let at = 0; at < wire.length; at++) reader.feed(wire, at, at + 1);
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (repeats * wire.length);
  });
  return Math.min(...rounds);
}
