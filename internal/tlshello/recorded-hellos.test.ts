import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ClientHelloReader } from './client-hello-reader.ts';
import { type ClientHello } from './client-hello.ts';
import { messageIn, records } from './testing/hello-bytes.ts';
import { everyByte, helloLog, helloLogHoweverCut } from './testing/hello-log.ts';

/** What scripts/record-client-hellos.mjs has written. */
interface Recorded {
  readonly name: string;
  readonly hex: string;
  readonly expected: ClientHello;
}

const RECORDED = JSON.parse(
  readFileSync(new URL('testdata/client-hellos.json', import.meta.url), 'utf8'),
) as readonly Recorded[];

const CASES = RECORDED.map(({ name, hex, expected }) => [name, Buffer.from(hex, 'hex'), expected] as const);

describe.each(CASES)('the hello of %s', (_name, wire, expected) => {
  it('is read whole, cut in two at every byte, and byte by byte', () => {
    expect(helloLogHoweverCut(wire)).toEqual(expected);
  });

  it.each([1000, 100, 7, 3])('is read in records of %i bytes, however they are cut', (size) => {
    const cut = records(messageIn(wire), size);
    expect(helloLog(cut)).toEqual(expected);
    expect(helloLog(cut, everyByte(cut))).toEqual(expected);
    // Each record in a segment of its own.
    const segments = everyByte(cut).filter((at) => at % (size + 5) === 0);
    expect(helloLog(cut, segments)).toEqual(expected);
  });

  it('is read in records of 1 byte, unless that is too much', () => {
    const cut = records(messageIn(wire), 1);
    const outcome = cut.length <= 16_384 ? expected : 'error client_hello_too_large';
    expect(helloLog(cut)).toEqual(outcome);
    expect(helloLog(cut, everyByte(cut))).toEqual(outcome);
  });

  it('needs more behind every part of it', () => {
    for (const bytes of [wire, records(messageIn(wire), 500)]) {
      for (let end = 0; end < bytes.length; end++) expect(helloLog(bytes.subarray(0, end))).toBe('more');
      const reader = new ClientHelloReader();
      for (let at = 0; at < bytes.length - 1; at++) expect(reader.feed(bytes, at, at + 1)).toBeNull();
      expect(reader.feed(bytes, bytes.length - 1, bytes.length)).toEqual(expected);
    }
  });

  it('is read without what follows it', () => {
    expect(helloLog(Buffer.concat([wire, Buffer.from('junk')]))).toEqual(expected);
    expect(helloLog(Buffer.concat([records(messageIn(wire), 400), Buffer.from('junk')]))).toEqual(expected);
  });
});

describe('recorded hellos', () => {
  it('come of every client that was to be recorded, and in every shape', () => {
    for (const name of ['OpenSSL', 'curl', 'Node 20', 'Node 24', 'Node 26', 'Chromium', 'Firefox', 'ECH', 'GREASE']) {
      expect(RECORDED.map((hello) => hello.name)).toContainEqual(expect.stringContaining(name));
    }
  });

  it('are larger than a segment where a client sends post-quantum key shares', () => {
    expect(RECORDED.filter(({ hex }) => hex.length / 2 > 1460).length).toBeGreaterThan(4);
  });
});
