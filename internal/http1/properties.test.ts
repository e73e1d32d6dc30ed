import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNKED, dropTable, FieldId, Fields, joinedValues } from '../message/index.ts';
import { BodyDecoder } from './body-decoder.ts';
import { type BodySink } from './chunked-decoder.ts';
import { MORE } from './head-reader.ts';
import { DEFAULT_HEAD_LIMITS } from './limits.ts';
import { RequestHeadReader } from './request-head.ts';
import {
  chunkExtension,
  cutsAt,
  cutShares,
  fieldName,
  fieldValue,
  nearlyMessage,
  ows,
  target,
  token,
} from './testing/arbitraries.ts';
import { everyByte } from './testing/expect-wire.ts';
import { type Wire, wireLog } from './testing/wire-log.ts';

const RUNS = { numRuns: 10_000 };
/** Each takes a few seconds; a machine that is busy with other tests gets room. */
const TIMEOUT = 60_000;

const SMALL_LIMITS = { maxHeaderBytes: 64, maxHeaders: 2, maxTargetBytes: 16 };

const wire: fc.Arbitrary<Wire> = fc.record({
  kind: fc.constantFrom('request', 'response'),
  limits: fc.constantFrom(DEFAULT_HEAD_LIMITS, SMALL_LIMITS),
  method: fc.constantFrom('GET', 'HEAD', 'CONNECT'),
});

const pair = fc.tuple(fieldName, fieldValue);

/** A head that holds these fields, each written as it comes. */
function parse(startLine: string, lines: readonly string[]): RequestHeadReader {
  const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  const bytes = Buffer.from(`${startLine}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1');
  expect(head.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  return head;
}

describe('any bytes', () => {
  // wireLog lets nothing but a ProxyError pass, and checks that no reader takes more than it was given.
  it(
    'are accepted or refused with a typed error, and the log does not depend on how they were cut',
    () => {
      fc.assert(
        fc.property(wire, nearlyMessage, cutShares, (options, bytes, shares) => {
          const whole = wireLog(options, bytes);
          expect(wireLog(options, bytes, cutsAt(shares, bytes.length))).toEqual(whole);
          expect(wireLog(options, bytes, everyByte(bytes.length))).toEqual(whole);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );

  it(
    'are so in their beginnings too: what was accepted or refused of them stays so',
    () => {
      fc.assert(
        fc.property(wire, nearlyMessage, fc.double({ min: 0, max: 1, noNaN: true }), (options, bytes, share) => {
          const whole = wireLog(options, bytes);
          const beginning = wireLog(options, bytes.subarray(0, Math.round(share * bytes.length)));
          // The last two lines may grow: content that goes on, and what was waited for.
          const settled = beginning.at(-1)?.startsWith('error ') === true ? beginning : beginning.slice(0, -2);
          expect(whole.slice(0, settled.length)).toEqual(settled);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );
});

describe('a well-formed request', () => {
  it(
    'is read as it was meant, with whatever white space, and written in canonical form',
    () => {
      const line = fc.tuple(pair, ows, ows);
      const drop = dropTable(FieldId.via, FieldId.host);
      fc.assert(
        fc.property(
          token,
          target,
          fc.nat(1),
          fc.array(line, { maxLength: 20 }),
          cutShares,
          (method, path, minor, lines, shares) => {
            const written = lines.map(([[name, value], before, behind]) => `${name}:${before}${value}${behind}`);
            const bytes = Buffer.from(
              `${method} ${path} HTTP/1.${minor}\r\n${written.map((text) => `${text}\r\n`).join('')}\r\n`,
              'latin1',
            );
            const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
            let from = 0;
            for (const to of cutsAt(shares, bytes.length)) {
              expect(head.feed(bytes, from, to)).toBe(MORE);
              from = to;
            }
            expect(head.feed(bytes, from, bytes.length)).toBe(bytes.length);

            const pairs = lines.map(([fieldPair]) => fieldPair);
            expect([head.method, head.target, head.minorVersion]).toEqual([method, path, minor]);
            expect([...head.fields.entries()]).toEqual(pairs);

            const kept = pairs.filter(([name]) => !['via', 'host'].includes(name.toLowerCase()));
            const canonical = kept.map(([name, value]) => `${name}: ${value}`);
            expect(head.fields.lines(drop)).toBe(canonical.map((text) => `${text}\r\n`).join(''));
            expect([...parse('GET / HTTP/1.1', canonical).fields.entries()]).toEqual(kept);
          },
        ),
        RUNS,
      );
    },
    TIMEOUT,
  );
});

describe('a chunked body', () => {
  const piece = fc.record({
    content: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    zeros: fc.nat(3),
    upper: fc.boolean(),
    extensions: fc.array(chunkExtension, { maxLength: 2 }),
  });

  it(
    'gives the same content and trailers, however it was chunked, extended and cut',
    () => {
      fc.assert(
        fc.property(
          fc.array(piece, { maxLength: 8 }),
          fc.array(chunkExtension, { maxLength: 2 }),
          fc.array(pair, { maxLength: 3 }),
          cutShares,
          (pieces, lastExtensions, trailers, shares) => {
            const parts: Buffer[] = [];
            for (const { content, zeros, upper, extensions } of pieces) {
              const digits = content.length.toString(16);
              const size = '0'.repeat(zeros) + (upper ? digits.toUpperCase() : digits);
              parts.push(
                Buffer.from(`${size}${extensions.join('')}\r\n`, 'latin1'),
                Buffer.from(content),
                Buffer.from('\r\n'),
              );
            }
            const section = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
            parts.push(Buffer.from(`0${lastExtensions.join('')}\r\n${section}\r\n`, 'latin1'));
            const body = Buffer.concat(parts);

            const behind = Buffer.from('5\r\nhello');
            const decoded = decode(Buffer.concat([body, behind]), [...cutsAt(shares, body.length)]);
            expect(decoded.end).toBe(body.length);
            expect(decoded.content.equals(Buffer.concat(pieces.map(({ content }) => content)))).toBe(true);
            expect(decoded.trailers).toEqual(trailers);
          },
        ),
        RUNS,
      );
    },
    TIMEOUT,
  );

  function decode(
    bytes: Buffer,
    cuts: readonly number[],
  ): { end: number; content: Buffer; trailers: [string, string][] } {
    const decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
    const content: Buffer[] = [];
    const sink: BodySink = {
      onBody: (buffer, start, end) => void content.push(Buffer.from(buffer.subarray(start, end))),
    };
    decoder.start(CHUNKED);
    let at = 0;
    for (const to of [...cuts, bytes.length]) at = decoder.feed(bytes, at, to, sink);
    expect(decoder.done).toBe(true);
    return { end: at, content: Buffer.concat(content), trailers: [...(decoder.trailers?.entries() ?? [])] };
  }
});

describe('Fields', () => {
  type Step = {
    readonly op: 'set' | 'append' | 'remove' | 'removeAll' | 'get';
    readonly name: string;
    readonly value: string;
  };
  const step: fc.Arbitrary<Step> = fc.record({
    op: fc.constantFrom('set', 'append', 'remove', 'removeAll', 'get'),
    name: fieldName,
    value: fieldValue,
  });

  it(
    'do what a list of pairs does',
    () => {
      fc.assert(
        fc.property(
          fc.boolean(),
          fc.array(pair, { maxLength: 20 }),
          fc.array(step, { maxLength: 12 }),
          (received, pairs, steps) => {
            const lines = pairs.map(([name, value]) => `${name}:${value}`);
            const fields = received ? parse('GET / HTTP/1.1', lines).fields : Fields.of(pairs);
            let model = pairs;
            for (const { op, name, value } of steps) {
              const lower = name.toLowerCase();
              const others = model.filter(([other]) => other.toLowerCase() !== lower);
              if (op === 'get') {
                const values = model.filter(([other]) => other.toLowerCase() === lower).map(([, found]) => found);
                expect(fields.get(name)).toBe(values.length === 0 ? null : values.reduce(joinedValues));
                expect(fields.has(name)).toBe(values.length > 0);
              } else if (op === 'append') {
                fields.append(name, value);
                model = [...model, [name, value]];
              } else if (op === 'set') {
                fields.set(name, value);
                model = [...others, [name, value]];
              } else {
                if (op === 'remove') fields.remove(name);
                else fields.removeAll(new Set([lower]));
                model = others;
              }
              expect([...fields.entries()]).toEqual(model);
            }
            expect(fields.lines(dropTable())).toBe(model.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
          },
        ),
        RUNS,
      );
    },
    TIMEOUT,
  );
});
