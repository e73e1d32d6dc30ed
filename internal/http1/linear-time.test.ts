import { describe, expect, it } from 'vitest';
import { CHUNKED, takeConnectionOptions } from '../message/index.ts';
import { BodyDecoder } from './body-decoder.ts';
import { type BodySink } from './chunked-decoder.ts';
import { MORE } from './head-reader.ts';
import { DEFAULT_HEAD_LIMITS } from './limits.ts';
import { RequestHeadReader } from './request-head.ts';
import { bytesOf } from './testing/expect-wire.ts';

/**
 * How much more a way of cutting may cost than the whole at once. What is feared costs a thousand times more and
 * beyond, as it grows with the square of the length; the factor leaves room for the calls and for a busy machine.
 */
const FACTOR = 100;

const KIB = 1024;
const START = 'GET / HTTP/1.1\r\n';
const LIMITS = { ...DEFAULT_HEAD_LIMITS, maxHeaders: 100_000, maxTargetBytes: 32 * KIB };

/** Milliseconds of the quickest of some runs: what disturbs a run only ever makes it longer. */
function quickest(work: () => void): number {
  let best = Infinity;
  for (let run = 0; run < 7; run++) {
    const before = performance.now();
    work();
    best = Math.min(best, performance.now() - before);
  }
  return best;
}

function readHead(head: Buffer, sliceBytes: number): RequestHeadReader {
  const reader = new RequestHeadReader(LIMITS);
  let next = MORE;
  for (let at = 0; at < head.length; at += sliceBytes)
    next = reader.feed(head, at, Math.min(head.length, at + sliceBytes));
  expect(next).toBe(head.length);
  return reader;
}

const HEADS: readonly [name: string, head: string][] = [
  ['one long value', `${START}a: ${'v'.repeat(32 * KIB - 25)}\r\n\r\n`],
  ['one long value of white space', `${START}a:${' '.repeat(32 * KIB - 25)}x\r\n\r\n`],
  ['one long name', `${START}${'n'.repeat(32 * KIB - 25)}: v\r\n\r\n`],
  ['one long target', `GET /${'t'.repeat(32 * KIB - 30)} HTTP/1.1\r\n\r\n`],
  ['fields of 1 KiB', `${START}${`a: ${'v'.repeat(KIB - 5)}\r\n`.repeat(31)}\r\n`],
  ['the shortest field lines', `${START}${'a:\r\n'.repeat(8000)}\r\n`],
];

describe('the cost of a head', () => {
  it.each(HEADS)('does not grow with the square of its length when it comes byte by byte: %s', (_name, text) => {
    const head = bytesOf(text);
    const whole = quickest(() => readHead(head, head.length));
    expect(quickest(() => readHead(head, 1))).toBeLessThan(whole * FACTOR + 1);
    expect(quickest(() => readHead(head, 7))).toBeLessThan(whole * FACTOR + 1);
  });

  it('does not grow with the product of Connection options and fields', () => {
    const options = Array.from({ length: 6000 }, (_, i) => i.toString(36).padStart(3, 'a')).join(',');
    const fields = Array.from({ length: 100 }, (_, i) => `${i.toString(36).padStart(3, 'b')}: v\r\n`).join('');
    const head = bytesOf(`${START}Connection: ${options}\r\n${fields}\r\n`);
    const parse = quickest(() => readHead(head, head.length));
    const both = quickest(() => takeConnectionOptions(readHead(head, head.length).fields));
    expect(both).toBeLessThan(parse * FACTOR + 1);
  });
});

describe('the cost of a chunked body', () => {
  const SINK: BodySink = { onBody: () => undefined };

  function decode(body: Buffer, sliceBytes: number): void {
    const decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
    decoder.start(CHUNKED);
    for (let at = 0; at < body.length; at += sliceBytes)
      decoder.feed(body, at, Math.min(body.length, at + sliceBytes), SINK);
    expect(decoder.done).toBe(true);
  }

  it.each<[name: string, chunk: string]>([
    ['chunks of one byte', '1\r\nx\r\n'],
    ['chunks of one byte with zeros before their size', '0000000000001\r\nx\r\n'],
  ])('is in proportion to its bytes: %s', (_name, chunk) => {
    const bodyOf = (bytes: number) => bytesOf(`${chunk.repeat(bytes / chunk.length)}0\r\n\r\n`);
    const small = bodyOf(16 * KIB);
    const large = bodyOf(256 * KIB);
    const unit = quickest(() => decode(small, small.length));
    expect(quickest(() => decode(large, large.length))).toBeLessThan(unit * 16 * 8 + 1);
    expect(quickest(() => decode(large, 1))).toBeLessThan(unit * 16 * FACTOR + 1);
  });

  it('is in proportion to a trailer section that comes byte by byte', () => {
    const body = bytesOf(`0\r\na: ${'v'.repeat(8000)}\r\n\r\n`);
    const whole = quickest(() => decode(body, body.length));
    expect(quickest(() => decode(body, 1))).toBeLessThan(whole * FACTOR + 1);
  });
});
