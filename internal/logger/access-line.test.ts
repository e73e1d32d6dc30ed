import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAccessRecord } from './access-line.ts';
import { AccessRecord } from './access-record.ts';

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((unit) => String.fromCharCode(unit)) });
const text = fc.oneof(anyText, latin1, fc.constant(''), fc.constant('GET'));
const optional = fc.option(text);
const anyNumber = fc.oneof(fc.double(), fc.nat(), fc.constant(0), fc.constant(-1));

/** The JSON name of every text field. */
const TEXTS = { client: 'client_addr', method: 'method', host: 'host', path: 'path', protocol: 'protocol' } as const;
const OPTIONALS = {
  query: 'query',
  upstream: 'upstream_addr',
  route: 'route',
  userAgent: 'user_agent',
  referer: 'referer',
} as const;

function parse(record: AccessRecord): Record<string, unknown> {
  return JSON.parse(formatAccessRecord(record)) as Record<string, unknown>;
}

describe('formatAccessRecord', () => {
  it('writes every field with its name and unit', () => {
    const record = new AccessRecord();
    Object.assign(record, {
      time: 1_772_366_400_250,
      client: '203.0.113.7',
      method: 'GET',
      host: 'www.example.com',
      path: '/a"b',
      query: 'x=1',
      protocol: 'HTTP/1.1',
      status: 200,
      bytesIn: 321,
      bytesOut: 4567,
      duration: 12.3456,
      upstream: '10.0.0.7:8080',
      upstreamConnect: 0.5,
      upstreamHeader: 10,
      upstreamResponse: 12.0004,
      route: 'web:3',
      userAgent: 'curl/8',
      referer: null,
    });
    expect(parse(record)).toEqual({
      time: '2026-03-01T12:00:00.250Z',
      request_id: record.requestId,
      client_addr: '203.0.113.7',
      method: 'GET',
      host: 'www.example.com',
      path: '/a"b',
      query: 'x=1',
      protocol: 'HTTP/1.1',
      status: 200,
      bytes_in: 321,
      bytes_out: 4567,
      duration_ms: 12.346,
      upstream_addr: '10.0.0.7:8080',
      upstream_connect_ms: 0.5,
      upstream_header_ms: 10,
      upstream_response_ms: 12,
      route: 'web:3',
      user_agent: 'curl/8',
      referer: null,
      error: null,
    });
  });

  it('names the error of a failed exchange', () => {
    const record = new AccessRecord();
    record.error = 'dial_failed';
    expect(parse(record)).toMatchObject({ error: 'dial_failed', status: 0, upstream_connect_ms: null });
  });

  it.each([
    [0, '0.000'],
    [0.0004, '0.000'],
    [0.0005, '0.001'],
    [0.9999, '1.000'],
    [1234.5, '1234.500'],
    [2_147_482.9999, '2147483.000'],
    [2_147_483, '2147483.000'],
    [86_400_000.25, '86400000.250'],
    [-1, 'null'],
    [NaN, 'null'],
    [Infinity, 'null'],
  ])('writes a duration of %d ms as %s', (duration, expected) => {
    const record = new AccessRecord();
    record.duration = duration;
    expect(formatAccessRecord(record)).toContain(`"duration_ms":${expected},`);
  });

  it('is one line of printable ASCII that reads back, whatever the fields hold and whatever came before', () => {
    const record = new AccessRecord();
    const fields = fc.record({
      client: text,
      method: text,
      host: text,
      path: text,
      protocol: text,
      query: optional,
      upstream: optional,
      route: optional,
      userAgent: optional,
      referer: optional,
      numbers: fc.array(anyNumber, { minLength: 8, maxLength: 8 }),
    });
    fc.assert(
      fc.property(fields, ({ numbers, ...texts }) => {
        record.reset(numbers[0]);
        Object.assign(record, texts);
        [record.status, record.bytesIn, record.bytesOut, record.duration] = numbers.slice(1, 5) as [
          number,
          number,
          number,
          number,
        ];
        [record.upstreamConnect, record.upstreamHeader, record.upstreamResponse] = numbers.slice(5) as [
          number,
          number,
          number,
        ];
        const line = formatAccessRecord(record);
        expect(line).toMatch(/^[ -~]*\n$/);
        const parsed = JSON.parse(line) as Record<string, unknown>;
        for (const [field, name] of Object.entries({ ...TEXTS, ...OPTIONALS })) {
          expect(parsed[name]).toBe(texts[field as keyof typeof texts]);
        }
        expect(Object.keys(parsed)).toHaveLength(20);
      }),
      { numRuns: 10_000 },
    );
  });

  it('writes the same line for a record that was used before as for a new one', () => {
    const used = new AccessRecord();
    for (const [client, upstream, userAgent] of [
      ['1.1.1.1', null, null],
      ['2.2.2.2', 'a:1', 'ua'],
      ['2.2.2.2', 'a:2', 'ua'],
      ['', null, null],
    ] as const) {
      const fresh = new AccessRecord();
      used.reset(5);
      fresh.reset(5);
      for (const record of [used, fresh]) Object.assign(record, { client, upstream, userAgent });
      const withoutId = (record: AccessRecord): string => formatAccessRecord(record).replace(record.requestId, '');
      expect(withoutId(used)).toBe(withoutId(fresh));
      formatAccessRecord(used);
    }
  });
});

describe('AccessRecord', () => {
  it('is like a new one after reset, with another id', () => {
    const record = new AccessRecord();
    const id = record.requestId;
    expect(record.requestId).toBe(id);
    for (const [key, value] of Object.entries(record))
      if (typeof value !== 'object') Object.assign(record, { [key]: 'x' });
    record.reset(0);
    expect(record.requestId).not.toBe(id);
    expect(Object.entries(record)).toEqual(Object.entries(new AccessRecord()));
  });
});

describe('docs/logs.md', () => {
  it('describes exactly the fields of an access record, in their order', () => {
    const page = readFileSync(new URL('../../docs/logs.md', import.meta.url), 'utf8');
    const table = page.slice(page.indexOf('## Access log'), page.indexOf('## Rotation'));
    const documented = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
    expect(documented).toEqual(Object.keys(parse(new AccessRecord())));
  });
});
