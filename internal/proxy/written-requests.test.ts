import { once } from 'node:events';
import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compileFilters, type EffectiveRequest } from '../exchange/index.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader } from '../http1/index.ts';
import { CHUNKED, Fields, type Framing, KEEP_ALL, readFieldPairs } from '../message/index.ts';
import {
  applyEdits,
  type FieldEdit,
  fieldEdits,
  listsByName,
  type ModelLine,
  modelOf,
  OF_ONE_HOP,
  pairsOf,
  receivedLine,
} from '../message/testing/field-edits.ts';
import { parsedFields } from '../message/testing/parsed-fields.ts';
import { parsePeer } from '../upstream/index.ts';
import { Forwarding } from './forwarding.ts';
import { routeTo } from './testing/route-to.ts';

const RUNS = { numRuns: 1000, seed: Number(process.env['PROX_TEST_SEED'] ?? 1) };
const TIMEOUT = 60_000;

type Pair = readonly [string, string];

/** A request as an independent server has read it. */
interface ReadRequest {
  /** `:authority` among them where there is one. */
  readonly fields: readonly Pair[];
  readonly trailers: readonly Pair[];
  readonly content: string;
}

/** Fields that prox writes itself. If a filter sets one of them, its lines are sent instead. */
const MADE_BY_PROX: ReadonlySet<string> = new Set([
  'forwarded',
  'max-forwards',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Fields that only a trusted client may send. */
const OF_TRUSTED: ReadonlySet<string> = new Set(['x-forwarded-user', 'x-real-ip']);

/** Names that a trailer section must not hold. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...OF_ONE_HOP,
  ...MADE_BY_PROX,
  ...OF_TRUSTED,
  'content-length',
  'content-type',
  'cookie',
  'host',
  'trailer',
]);

interface Case {
  readonly received: readonly Pair[];
  readonly overHttp2: boolean;
  readonly body: string | null;
  readonly chunked: boolean;
  readonly trusted: boolean;
  readonly acceptsTrailers: boolean;
  /** Edits of the effective request, and of one attempt. */
  readonly edits: readonly FieldEdit[];
  readonly attemptEdits: readonly FieldEdit[];
  readonly trailers: readonly Pair[];
  readonly trailerEdits: readonly FieldEdit[];
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  received: fc.array(receivedLine, { maxLength: 8 }),
  overHttp2: fc.boolean(),
  body: fc.option(fc.constantFrom('', 'abc', 'GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n')),
  chunked: fc.boolean(),
  trusted: fc.boolean(),
  acceptsTrailers: fc.boolean(),
  edits: fieldEdits,
  attemptEdits: fieldEdits,
  trailers: fc.array(receivedLine, { maxLength: 3 }),
  trailerEdits: fieldEdits,
});

function framingOf({ body, chunked }: Case): Framing {
  return body === null ? 0 : chunked ? CHUNKED : body.length;
}

/** The lines that a valid message can have: one framing, and in HTTP/2 no field of a connection. */
function receivedLines(test: Case): Pair[] {
  const framing = framingOf(test);
  const kept = test.received.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === 'content-length' || lower === 'transfer-encoding') return false;
    // A value that is no number is refused before prox writes anything.
    if (lower === 'max-forwards') return /^[1-9]$/.test(value);
    return !test.overHttp2 || !OF_ONE_HOP.has(lower);
  });
  if (test.body !== null && framing >= 0) kept.push(['Content-Length', String(framing)]);
  if (framing === CHUNKED && !test.overHttp2) kept.push(['transfer-encoding', 'chunked']);
  return test.overHttp2 ? kept.map(([name, value]) => [name.toLowerCase(), value]) : kept;
}

function fieldsOf(lines: readonly Pair[], overHttp2: boolean): Fields {
  if (overHttp2) {
    const fields = new Fields();
    readFieldPairs(fields, lines.flat(), 'bad_field_line');
    return fields;
  }
  const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  const head = `POST / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const bytes = Buffer.from(head, 'latin1');
  expect(reader.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  return reader.fields;
}

/** An exchange whose client sends its body as soon as the action asks for it. */
class SendingExchange extends MemoryExchange {
  private readonly content: string;
  private readonly trailers: Fields;
  private sent = false;

  constructor(test: Case, fields: Fields, trailers: Fields, editAttempt: (attempt: EffectiveRequest) => void) {
    const onUpstreamRequest = (_: unknown, attempt: EffectiveRequest): null => {
      editAttempt(attempt);
      return null;
    };
    super({
      method: 'POST',
      path: '/path',
      fields,
      requestFraming: framingOf(test),
      trusted: test.trusted,
      acceptsTrailers: test.acceptsTrailers,
      route: { filters: compileFilters([{ onUpstreamRequest }]) },
    });
    this.content = test.body ?? '';
    this.trailers = trailers;
  }

  override resumeRequest(): void {
    super.resumeRequest();
    const { handler } = this;
    if (handler === null || this.sent) return;
    this.sent = true;
    const bytes = Buffer.from(this.content, 'latin1');
    if (bytes.length > 0) handler.onRequestBody(bytes, 0, bytes.length);
    handler.onRequestFlush();
    handler.onRequestEnd(this.trailers);
  }
}

/** The lines that are forwarded unchanged: not those of one hop, not those that prox writes, not the length. */
function passedOn(lines: readonly ModelLine[], trusted: boolean): ModelLine[] {
  return lines.filter(({ lower, set }) => {
    if (OF_ONE_HOP.has(lower) || lower === 'host' || lower === 'content-length') return false;
    return set || !(MADE_BY_PROX.has(lower) || (!trusted && OF_TRUSTED.has(lower)));
  });
}

const valuesOf = (fields: readonly Pair[], name: string): string[] =>
  fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);

/** Sends the request of a case through the proxy to a server that records it. */
async function forward(
  test: Case,
  route: ReturnType<typeof routeTo>,
): Promise<{ lines: ModelLine[]; trailers: ModelLine[] }> {
  const received = receivedLines(test);
  const fields = fieldsOf(received, test.overHttp2);
  const before = fields.lines(KEEP_ALL);
  const model = modelOf(received);
  const trailers = parsedFields(...test.trailers.map(([name, value]) => `${name}: ${value}`));
  const trailerModel = applyEdits(test.trailerEdits, trailers, modelOf(test.trailers));
  let lines = model;
  const exchange = new SendingExchange(test, fields, trailers, (attempt) => {
    lines = applyEdits(test.attemptEdits, attempt.requestFields, lines);
  });
  const effective = exchange.editRequest();
  lines = applyEdits(test.edits, effective.requestFields, lines);
  const effectiveBefore = effective.requestFields.lines(KEEP_ALL);
  const forwarding = new Forwarding(exchange, route);
  exchange.handler = forwarding;
  forwarding.start();
  await exchange.done;
  expect([exchange.status, exchange.error]).toEqual([200, null]);
  // An attempt changes neither the received request nor the effective one.
  expect(fields.lines(KEEP_ALL)).toBe(before);
  expect(effective.requestFields.lines(KEEP_ALL)).toBe(effectiveBefore);
  return { lines, trailers: trailerModel };
}

/** Checks the properties of a written request that both protocols share. */
function checkRequest(
  test: Case,
  read: ReadRequest,
  lines: readonly ModelLine[],
  trailers: readonly ModelLine[],
): void {
  const set = new Set(lines.flatMap(({ lower, set: here }) => (here ? [lower] : [])));
  for (const name of MADE_BY_PROX) {
    if (set.has(name)) continue;
    const values = valuesOf(read.fields, name);
    expect(values.length).toBeLessThanOrEqual(1);
    if (name === 'via') expect(values[0]).toMatch(/1\.1 prox$/);
    if (name === 'x-forwarded-for') expect(values[0]).toMatch(/(^|, ?)127\.0\.0\.1$/);
  }
  expect(read.content).toBe(test.body ?? '');
  const kept = framingOf(test) === CHUNKED ? trailers.filter(({ lower }) => !NOT_IN_TRAILERS.has(lower)) : [];
  expect(listsByName(read.trailers)).toEqual(listsByName(kept.map(({ name, value }) => [name, value])));
}

/** The lines that a server has read, without those that prox has written itself. */
function readOn(read: ReadRequest, lines: readonly ModelLine[]): Pair[] {
  const set = new Set(lines.flatMap(({ lower, set: here }) => (here ? [lower] : [])));
  const own = new Set(['host', 'content-length', 'transfer-encoding', 'te', 'connection']);
  return read.fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return !own.has(lower) && !lower.startsWith(':') && (!MADE_BY_PROX.has(lower) || set.has(lower));
  });
}

describe('a request to an upstream of HTTP/1.1, whatever filters did to its fields', () => {
  let read: ReadRequest[] = [];
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const content = Buffer.concat(chunks).toString('latin1');
      read.push({ fields: pairsOf(request.rawHeaders), trailers: pairsOf(request.rawTrailers), content });
      response.end();
    });
  };
  const server = createHttp1Server({ insecureHTTPParser: false, maxHeaderSize: 65_536 });
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, onRequest);
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => server.close().closeAllConnections());

  it(
    'is read by llhttp as it was meant, with one Host and one framing',
    async () => {
      const route = routeTo((server.address() as AddressInfo).port);
      await fc.assert(
        fc.asyncProperty(anyCase, async (test) => {
          read = [];
          const { lines, trailers } = await forward(test, route);
          expect(read).toHaveLength(1);
          const [request] = read;
          checkRequest(test, request, lines, trailers);
          const { fields } = request;
          const passed = passedOn(lines, test.trusted).map(({ name, value }) => [name, value]);
          expect(readOn(request, lines)).toEqual(passed);
          expect(valuesOf(fields, 'host')).toEqual([route.peerOf('').authority]);
          const framing = framingOf(test);
          const lengths = valuesOf(fields, 'content-length');
          expect(valuesOf(fields, 'transfer-encoding')).toEqual(framing === CHUNKED ? ['chunked'] : []);
          if (framing > 0) expect(lengths).toEqual([String(framing)]);
          else expect([[], ['0']]).toContainEqual(framing === CHUNKED ? [...lengths, ...lengths] : lengths);
          const offers = test.acceptsTrailers && lines.some(({ lower }) => lower === 'te');
          expect([valuesOf(fields, 'te'), valuesOf(fields, 'connection')]).toEqual(
            offers ? [['trailers'], ['TE']] : [[], []],
          );
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );
});

describe('a request to an upstream of HTTP/2, whatever filters did to its fields', () => {
  let read: ReadRequest[] = [];
  const server = createHttp2Server({ maxHeaderListPairs: 1000 });
  server.on('stream', (stream: ServerHttp2Stream, ...[, , raw]: [unknown, unknown, string[]]) => {
    const chunks: Buffer[] = [];
    let trailers: Pair[] = [];
    stream.on('trailers', (...[, , pairs]: unknown[]) => (trailers = pairsOf(pairs as string[])));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      read.push({ fields: pairsOf(raw), trailers, content: Buffer.concat(chunks).toString('latin1') });
      stream.respond({ ':status': 200 }, { endStream: true });
    });
  });
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void server.close());

  it(
    'is read by nghttp2 as it was meant, with one :authority and no framing but one true length',
    async () => {
      const { port } = server.address() as AddressInfo;
      const peer = parsePeer(`127.0.0.1:${port}`, null, 'h2');
      const route = routeTo(port, { peerOf: () => peer });
      await fc.assert(
        fc.asyncProperty(anyCase, async (test) => {
          read = [];
          const { lines, trailers } = await forward(test, route);
          expect(read).toHaveLength(1);
          const [request] = read;
          checkRequest(test, request, lines, trailers);
          const { fields } = request;
          const pseudo = { ':authority': `127.0.0.1:${port}`, ':method': 'POST', ':path': '/path', ':scheme': 'http' };
          expect(Object.fromEntries(fields.filter(([name]) => name.startsWith(':')))).toEqual(pseudo);
          expect(valuesOf(fields, ':authority')).toHaveLength(1);
          const passed = passedOn(lines, test.trusted).map(({ name, value }) => [name, value] as const);
          expect(listsByName(readOn(request, lines))).toEqual(listsByName(passed));
          const framing = framingOf(test);
          const lengths = valuesOf(fields, 'content-length');
          if (framing > 0) expect(lengths).toEqual([String(framing)]);
          else expect([[], ['0']]).toContainEqual(framing === CHUNKED ? [...lengths, ...lengths] : lengths);
          expect(['host', 'connection', 'transfer-encoding'].flatMap((name) => valuesOf(fields, name))).toEqual([]);
          const offers = test.acceptsTrailers && lines.some(({ lower }) => lower === 'te');
          expect(valuesOf(fields, 'te')).toEqual(offers ? ['trailers'] : []);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );
});
