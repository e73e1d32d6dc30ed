import { type IncomingMessage, request as requestHttp1 } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Duplex } from 'node:stream';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Exchange, ResponseHead } from '../exchange/index.ts';
import { DEFAULT_HEAD_LIMITS, ResponseHeadReader } from '../http1/index.ts';
import { CHUNKED, Fields, type Framing, NO_BODY, readFieldPairs, UNTIL_CLOSE } from '../message/index.ts';
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
import { IDLE_HANDLER } from '../transport/index.ts';
import { asSocket } from '../transport/testing/memory-socket.ts';
import { Http2Session } from './http2/http2-session.ts';
import { connect, head as requestHead } from './testing/http1-client.ts';
import { ECHO, MemoryHost, MemorySlot } from './testing/memory-host.ts';

const RUNS = { numRuns: 1000, seed: Number(process.env['PROX_TEST_SEED'] ?? 1) };
const TIMEOUT = 60_000;

type Pair = readonly [string, string];

/** A response as a client of others has read it. */
interface ReadResponse {
  status: number;
  fields: readonly Pair[];
  interim: readonly Pair[];
  trailers: readonly Pair[];
  content: string;
}

interface Case {
  readonly method: 'GET' | 'HEAD';
  readonly status: 200 | 204 | 304 | 404;
  /** From which kind of upstream the fields came; `own` for an answer that prox made itself. */
  readonly from: 'HTTP/1.1' | 'HTTP/2' | 'own';
  readonly framing: 'length' | 'chunked' | 'until close';
  readonly body: string;
  readonly received: readonly Pair[];
  readonly edits: readonly FieldEdit[];
  readonly interim: readonly Pair[];
  readonly interimEdits: readonly FieldEdit[];
  readonly trailers: readonly Pair[];
  readonly trailerEdits: readonly FieldEdit[];
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'HEAD'),
  status: fc.constantFrom(200, 200, 204, 304, 404),
  from: fc.constantFrom('HTTP/1.1', 'HTTP/2', 'own'),
  framing: fc.constantFrom('length', 'chunked', 'until close'),
  body: fc.constantFrom('', 'abc', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  received: fc.array(receivedLine, { maxLength: 8 }),
  edits: fieldEdits,
  interim: fc.array(receivedLine, { maxLength: 3 }),
  interimEdits: fieldEdits,
  trailers: fc.array(receivedLine, { maxLength: 3 }),
  trailerEdits: fieldEdits,
});

const hasContent = ({ method, status }: Case): boolean => method === 'GET' && status !== 204 && status !== 304;

/** The framing that an upstream's head, or an action of our own, gives the exchange. */
function framingOf(test: Case): Framing {
  if (test.status === 204 || test.status === 304) return NO_BODY;
  if (test.framing === 'length') return test.method === 'GET' || test.from === 'own' ? test.body.length : NO_BODY;
  return test.framing === 'chunked' && test.method === 'GET' ? CHUNKED : UNTIL_CLOSE;
}

/** The lines of a response that can have been received: one framing, and in HTTP/2 nothing of a connection. */
function receivedLines(test: Case): Pair[] {
  const kept = test.received.filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === 'content-length' || lower === 'transfer-encoding') return false;
    return test.from === 'HTTP/1.1' || !OF_ONE_HOP.has(lower);
  });
  if (test.framing === 'length' && test.from !== 'own' && test.status !== 204)
    kept.push(['content-Length', String(test.body.length)]);
  return test.from === 'HTTP/2' ? kept.map(([name, value]) => [name.toLowerCase(), value]) : kept;
}

function fieldsOf(lines: readonly Pair[], { from }: Case): Fields {
  if (from === 'own') return Fields.of(lines);
  if (from === 'HTTP/2') {
    const fields = new Fields();
    readFieldPairs(fields, lines.flat(), 'bad_response');
    return fields;
  }
  const reader = new ResponseHeadReader(DEFAULT_HEAD_LIMITS);
  const text = `HTTP/1.1 200 OK\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const bytes = Buffer.from(text, 'latin1');
  expect(reader.feed(bytes, 0, bytes.length)).toBe(bytes.length);
  return reader.fields;
}

/** What was given to the exchange, after all changes. */
interface Given {
  fields: ModelLine[];
  interim: ModelLine[];
  trailers: ModelLine[];
}

/** Answers as a case says; a filter of the route makes the changes to the final head. */
class Answers {
  private test: Case | null = null;
  private given: Given = { fields: [], interim: [], trailers: [] };

  /** The next exchange is answered so. */
  next(test: Case): Given {
    this.test = test;
    return (this.given = { fields: [], interim: [], trailers: [] });
  }

  handle(exchange: Exchange): void {
    const { test, given } = this;
    if (test === null) throw new Error('no case');
    const interim = linesOf(test.interim);
    given.interim = applyEdits(test.interimEdits, interim, modelOf(test.interim));
    exchange.inform(103, 'Early Hints', interim);
    const received = receivedLines(test);
    given.fields = modelOf(received);
    exchange.respond(test.status, 'Reason', fieldsOf(received, test), framingOf(test));
    if (hasContent(test)) exchange.write(Buffer.from(test.body, 'latin1'), 0, test.body.length);
    const trailers = linesOf(test.trailers);
    given.trailers = applyEdits(test.trailerEdits, trailers, modelOf(test.trailers));
    exchange.end(trailers);
  }

  onResponse(_: Exchange, response: ResponseHead): void {
    const { test, given } = this;
    if (test !== null) given.fields = applyEdits(test.edits, response.fields, given.fields);
  }
}

function linesOf(pairs: readonly Pair[]): Fields {
  return parsedFields(...pairs.map(([name, value]) => `${name}: ${value}`));
}

/** What never stands in an interim head, or in one that no content can follow. */
const NOT_IN_EMPTY: ReadonlySet<string> = new Set([...OF_ONE_HOP, 'content-length', 'trailer']);

/** What never stands in a trailer section. */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...NOT_IN_EMPTY,
  'forwarded',
  'host',
  'max-forwards',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-user',
  'x-real-ip',
]);

const valuesOf = (fields: readonly Pair[], name: string): string[] =>
  fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);

const pairsBut = (lines: readonly ModelLine[], names: ReadonlySet<string>): [string, string][] =>
  lines.filter(({ lower }) => !names.has(lower)).map(({ name, value }) => [name, value]);

/** What is true of a written response in both protocols. */
function checkLength(test: Case, fields: readonly Pair[]): void {
  const lengths = valuesOf(fields, 'content-length');
  const framing = framingOf(test);
  if (hasContent(test)) expect(lengths).toEqual(framing >= 0 ? [String(framing)] : []);
  else if (test.status === 204) expect(lengths).toEqual([]);
  else expect(lengths.join()).toMatch(/^(|0|[1-9][0-9]{0,15})$/);
}

/** A connection of node:http that gives it bytes and takes what it sends. */
class MemoryConnection extends Duplex {
  override _read(): void {
    // Bytes are pushed as they are known.
  }

  override _write(_: Buffer, __: string, done: () => void): void {
    done();
  }
}

/** llhttp as the client of node:http runs it. */
function readByLlhttp(bytes: string, method: string): Promise<ReadResponse> {
  return new Promise((resolve, reject) => {
    const connection = new MemoryConnection();
    const read: ReadResponse = { status: 0, fields: [], interim: [], trailers: [], content: '' };
    const request = requestHttp1({ method, createConnection: () => connection, maxHeaderSize: 65_536 });
    request.on('error', reject);
    request.on('information', ({ rawHeaders }) => (read.interim = pairsOf(rawHeaders)));
    request.on('response', (response: IncomingMessage) => {
      read.status = response.statusCode ?? 0;
      read.fields = pairsOf(response.rawHeaders);
      response.setEncoding('latin1').on('data', (text: string) => (read.content += text));
      response.on('error', reject);
      response.on('end', () => {
        read.trailers = pairsOf(response.rawTrailers);
        resolve(read);
      });
    });
    request.on('socket', () => setImmediate(() => connection.push(Buffer.from(bytes, 'latin1'))));
    request.end();
  });
}

describe('a response to a client of HTTP/1.1, whatever filters did to its fields', () => {
  it(
    'is read by llhttp as it was meant, with one framing',
    async () => {
      const answers = new Answers();
      const { client, host } = connect({ action: answers, filters: [answers] });
      await fc.assert(
        fc.asyncProperty(anyCase, async (test) => {
          const given = answers.next(test);
          // One connection for all of them: a framing that is wrong would spoil the next response.
          await client.send(requestHead(`${test.method} / HTTP/1.1`, 'TE: trailers'));
          expect([host.reports, client.ended, client.closed]).toEqual([[], false, false]);
          const read = await readByLlhttp(client.take(), test.method);
          expect([read.status, read.content]).toEqual([test.status, hasContent(test) ? test.body : '']);
          checkLength(test, read.fields);
          const chunked = hasContent(test) && framingOf(test) < 0;
          expect(valuesOf(read.fields, 'transfer-encoding')).toEqual(chunked ? ['chunked'] : []);
          const dated = given.fields.some(({ lower }) => lower === 'date');
          if (!dated) expect(valuesOf(read.fields, 'date')).toHaveLength(1);
          const own = new Set(['content-length', 'transfer-encoding', ...(dated ? [] : ['date'])]);
          const fields = read.fields.filter(([name]) => !own.has(name.toLowerCase()));
          expect(fields).toEqual(pairsBut(given.fields, new Set([...OF_ONE_HOP, 'content-length'])));
          expect(read.interim).toEqual(pairsBut(given.interim, NOT_IN_EMPTY));
          expect(read.trailers).toEqual(chunked ? pairsBut(given.trailers, NOT_IN_TRAILERS) : []);
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );
});

describe('a response whose reason phrase a filter has set', () => {
  it('is an error where the phrase would end the line', async () => {
    const filter = { onResponse: (_: unknown, response: ResponseHead) => void (response.reason = 'OK\r\nX: y') };
    const { client, host } = connect({ action: ECHO, filters: [filter] });
    await client.send(requestHead('GET / HTTP/1.1'));
    expect(client.received).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
    expect(client.received).not.toContain('X: y');
    expect(host.reports).toEqual(['failed internal']);
  });
});

describe('a response to a client of HTTP/2, whatever filters did to its fields', () => {
  const answers = new Answers();
  const slot = new MemorySlot(new MemoryHost({ action: answers, filters: [answers] }));
  let session: ClientHttp2Session;

  beforeAll(() => {
    const client = slot.connect((connection) => {
      Http2Session.serve(connection, null, slot);
      return IDLE_HANDLER;
    });
    session = connectHttp2('http://a.test', {
      createConnection: () => asSocket(client.socket),
      maxHeaderListPairs: 1000,
    });
  });
  afterAll(() => session.destroy());

  /** nghttp2 as the client of node:http2 runs it. */
  async function readByNghttp2(method: string): Promise<ReadResponse> {
    const read: ReadResponse = { status: 0, fields: [], interim: [], trailers: [], content: '' };
    const stream = session.request({ ':method': method, ':path': '/', te: 'trailers' }, { endStream: true });
    stream.on('headers', (...[, , raw]: unknown[]) => (read.interim = pairsOf(raw as string[])));
    stream.on('response', (...[headers, , raw]: unknown[]) => {
      read.status = Number((headers as Record<string, unknown>)[':status']);
      read.fields = pairsOf(raw as string[]);
    });
    stream.on('trailers', (...[, , raw]: unknown[]) => (read.trailers = pairsOf(raw as string[])));
    stream.setEncoding('latin1').on('data', (text: string) => (read.content += text));
    await new Promise((resolve, reject) => stream.on('error', reject).on('close', resolve));
    expect(stream.rstCode).toBe(0);
    return read;
  }

  it(
    'is read by nghttp2 as it was meant, with no framing but one true length',
    async () => {
      await fc.assert(
        fc.asyncProperty(anyCase, async (test) => {
          const given = answers.next(test);
          const read = await readByNghttp2(test.method);
          expect([read.status, read.content]).toEqual([test.status, hasContent(test) ? test.body : '']);
          checkLength(test, read.fields);
          // node:http2 adds a Date where there is none.
          const dated = given.fields.some(({ lower }) => lower === 'date');
          const fields = read.fields.filter(
            ([name]) => !name.startsWith(':') && name !== 'content-length' && (dated || name !== 'date'),
          );
          const left = new Set([...OF_ONE_HOP, 'content-length', ...(test.status === 204 ? ['trailer'] : [])]);
          expect(listsByName(fields, 'set-cookie')).toEqual(listsByName(pairsBut(given.fields, left), 'set-cookie'));
          const interim = read.interim.filter(([name]) => !name.startsWith(':'));
          expect(listsByName(interim, 'set-cookie')).toEqual(
            listsByName(pairsBut(given.interim, NOT_IN_EMPTY), 'set-cookie'),
          );
          const trailers = hasContent(test) ? pairsBut(given.trailers, NOT_IN_TRAILERS) : [];
          expect(listsByName(read.trailers, 'set-cookie')).toEqual(listsByName(trailers, 'set-cookie'));
        }),
        RUNS,
      );
    },
    TIMEOUT,
  );
});
