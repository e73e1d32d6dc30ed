import { afterEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../../base/index.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import { Http2Stalls } from './http2-stalls.ts';

const STALL_MS = 1000;

/** What stalls look at of an exchange. */
class FakeExchange {
  waitsForClient = true;
  bytesIn = 0;
  taken = 0;
  readonly body = { due: false };
  readonly output = { pending: 0 };
  /** Bytes wait for the client to take them; without any, content of the client is due. */
  constructor(pending = 0) {
    this.output.pending = pending;
    this.body.due = pending === 0;
  }
}

/** A session whose time a test tells. */
class Bench {
  now = 0;
  sent = 0;
  rounds = 0;
  readonly deadlines = new Deadlines(() => this.now);
  readonly stalls = new Http2Stalls(
    this.deadlines,
    () => this.sent,
    () => this.rounds++,
  );

  /** Goes to a time and looks. */
  looks(at: number, exchange: FakeExchange, stallTimeout = STALL_MS): boolean {
    this.now = at;
    this.stalls.begin(at);
    return this.stalls.look(exchange as unknown as Http2Exchange, stallTimeout, at);
  }

  forget(exchange: FakeExchange): void {
    this.stalls.forget(exchange as unknown as Http2Exchange);
  }
}

describe('the stall of a stream', () => {
  let bench = new Bench();
  afterEach(() => {
    bench.stalls.close();
    bench = new Bench();
  });

  it('is seen when no byte has moved for stall_timeout since the first look', () => {
    const exchange = new FakeExchange();
    expect(bench.looks(100, exchange)).toBe(false);
    expect(bench.looks(1099, exchange)).toBe(false);
    expect(bench.looks(1100, exchange)).toBe(true);
  });

  it('is counted from the last byte that moved', () => {
    const exchange = new FakeExchange();
    bench.looks(0, exchange);
    exchange.bytesIn = 1;
    expect(bench.looks(900, exchange)).toBe(false);
    expect(bench.looks(1899, exchange)).toBe(false);
    expect(bench.looks(1900, exchange)).toBe(true);
  });

  it('is none while nothing is due of the client, and begins anew behind that', () => {
    const exchange = new FakeExchange();
    bench.looks(0, exchange);
    exchange.waitsForClient = false;
    expect(bench.looks(1000, exchange)).toBe(false);
    exchange.waitsForClient = true;
    expect(bench.looks(1500, exchange)).toBe(false);
    expect(bench.looks(2499, exchange)).toBe(false);
    expect(bench.looks(2500, exchange)).toBe(true);
  });

  it('is none where stall_timeout is 0', () => {
    const exchange = new FakeExchange();
    bench.looks(0, exchange, 0);
    expect(bench.looks(1_000_000, exchange, 0)).toBe(false);
  });

  it('of output waits while other streams are sent to, but not for ever', () => {
    const exchange = new FakeExchange(500);
    for (let at = 0; at < 4000; at += 250) {
      bench.sent += 1000;
      expect([at, bench.looks(at, exchange)]).toEqual([at, false]);
    }
    bench.sent += 1000;
    expect(bench.looks(4000, exchange)).toBe(true);
  });

  it('of output is seen when the connection itself has stood still for stall_timeout', () => {
    const exchange = new FakeExchange(500);
    bench.looks(0, exchange);
    bench.sent = 1000;
    bench.looks(600, exchange);
    expect(bench.looks(1599, exchange)).toBe(false);
    expect(bench.looks(1600, exchange)).toBe(true);
  });

  it('of input does not wait for what is sent to others', () => {
    const exchange = new FakeExchange();
    bench.looks(0, exchange);
    bench.sent = 1000;
    expect(bench.looks(1000, exchange)).toBe(true);
  });

  it('of output is seen though the client sends content now and then', () => {
    const exchange = new FakeExchange(500);
    exchange.body.due = true;
    for (let at = 0; at < 1000; at += 250) {
      exchange.bytesIn++;
      expect([at, bench.looks(at, exchange)]).toEqual([at, false]);
    }
    exchange.bytesIn++;
    expect(bench.looks(1000, exchange)).toBe(true);
  });

  it('of input is seen though the client takes output now and then', () => {
    const exchange = new FakeExchange(500);
    exchange.body.due = true;
    for (let at = 0; at < 1000; at += 250) {
      exchange.taken++;
      expect([at, bench.looks(at, exchange)]).toEqual([at, false]);
    }
    exchange.taken++;
    expect(bench.looks(1000, exchange)).toBe(true);
  });

  it('of output does not wait for others where the connection sends no more than it did', () => {
    const exchange = new FakeExchange(500);
    bench.sent = 1000;
    bench.looks(0, exchange);
    for (const [at, sent] of [
      [250, 983],
      [500, 1000],
      [750, 983],
    ] as const) {
      bench.sent = sent;
      expect([at, bench.looks(at, exchange)]).toEqual([at, false]);
    }
    bench.sent = 1000;
    expect(bench.looks(1000, exchange)).toBe(true);
  });

  it('is forgotten with its stream', () => {
    const exchange = new FakeExchange();
    bench.looks(0, exchange);
    bench.forget(exchange);
    expect(bench.looks(1000, exchange)).toBe(false);
  });
});

describe('the looks at the streams of a session', () => {
  it('come a few times within stall_timeout, one round for each call', () => {
    const bench = new Bench();
    bench.stalls.watch(STALL_MS);
    // A stream that comes later does not put the look off.
    bench.now = 200;
    bench.deadlines.tick();
    bench.stalls.watch(STALL_MS);
    bench.now = 500;
    bench.deadlines.tick();
    expect(bench.rounds).toBe(1);
    bench.now = 5000;
    bench.deadlines.tick();
    expect(bench.rounds).toBe(1);
    bench.stalls.close();
  });

  it('end when the session is closed', () => {
    const bench = new Bench();
    bench.stalls.watch(STALL_MS);
    bench.stalls.close();
    bench.now = 5000;
    bench.deadlines.tick();
    expect(bench.rounds).toBe(0);
  });
});
