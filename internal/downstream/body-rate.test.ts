import { beforeEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { BodyRate, PERIOD_MS } from './body-rate.ts';

/** Bytes a second. */
const MIN_RATE = 100;
/** What a period has to bring. */
const ENOUGH = (MIN_RATE * PERIOD_MS) / 1000;
/** The coarse clock is late by so much at most. */
const LATE_MS = 200;

/** A body whose time and bytes a test tells. */
class Bench {
  now = 0;
  bytesIn = 0;
  slowAt = -1;
  readonly deadlines = new Deadlines(() => this.now);
  readonly rate = new BodyRate(MIN_RATE, this.deadlines, this, () => (this.slowAt = this.now));

  /** Lets time pass, in which so many bytes come each second. */
  async pass(milliseconds: number, bytesEachSecond = 0): Promise<void> {
    for (const end = this.now + milliseconds; this.now < end;) {
      this.now += 50;
      this.bytesIn += bytesEachSecond / 20;
      this.deadlines.tick();
      // What the clock has to say is said behind the reads of its turn.
      if (this.now % 500 === 0) await new Promise(setImmediate);
    }
    await new Promise(setImmediate);
  }
}

describe('the rate of a body', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });

  it('is not judged in the first period', async () => {
    bench.rate.await();
    await bench.pass(2 * PERIOD_MS - 50);
    expect(bench.slowAt).toBe(-1);
  });

  it('is too low when the second period has brought less than enough, and that is told once', async () => {
    bench.rate.await();
    await bench.pass(2 * PERIOD_MS + 2 * LATE_MS + 500, MIN_RATE * 0.9);
    expect(bench.slowAt).toBeGreaterThanOrEqual(2 * PERIOD_MS);
    const { slowAt } = bench;
    await bench.pass(3 * PERIOD_MS);
    expect(bench.slowAt).toBe(slowAt);
  });

  it('is high enough as long as each period brings enough', async () => {
    bench.rate.await();
    await bench.pass(5 * PERIOD_MS, MIN_RATE);
    expect(bench.slowAt).toBe(-1);
    await bench.pass(2 * PERIOD_MS + 2 * LATE_MS + 500);
    expect(bench.slowAt).toBeGreaterThan(5 * PERIOD_MS);
  });

  it('may be that of one burst in each period', async () => {
    bench.rate.await();
    for (let i = 0; i < 4; i++) {
      bench.bytesIn += 2 * ENOUGH;
      await bench.pass(PERIOD_MS);
    }
    expect(bench.slowAt).toBe(-1);
  });

  it('is measured in the time alone in which prox waits for it', async () => {
    bench.rate.await();
    await bench.pass(PERIOD_MS + LATE_MS);
    for (let i = 0; i < 4; i++) {
      bench.rate.hold();
      await bench.pass(PERIOD_MS);
      bench.rate.await();
      await bench.pass(1000);
    }
    expect(bench.slowAt).toBe(-1);
    // Of the five seconds that it was waited for, one is left.
    await bench.pass(1000 + 2 * LATE_MS + 500);
    expect(bench.slowAt).toBeGreaterThan(0);
  });

  it('is not judged while it is held, nor after its end', async () => {
    bench.rate.await();
    await bench.pass(PERIOD_MS + LATE_MS);
    bench.rate.hold();
    await bench.pass(3 * PERIOD_MS);
    bench.rate.await();
    bench.rate.end();
    await bench.pass(3 * PERIOD_MS);
    expect(bench.slowAt).toBe(-1);
  });

  it('has its first period again with the next body', async () => {
    bench.rate.await();
    await bench.pass(PERIOD_MS + 1000, MIN_RATE);
    bench.rate.end();
    bench.bytesIn = 0;
    bench.rate.await();
    await bench.pass(2 * PERIOD_MS - 50);
    expect(bench.slowAt).toBe(-1);
    await bench.pass(2 * LATE_MS + 500);
    expect(bench.slowAt).toBeGreaterThan(0);
  });

  it('counts what waited to be read when its period was over', async () => {
    bench.rate.await();
    await bench.pass(PERIOD_MS + LATE_MS);
    // The process was busy for all of the period: its timers come first, then what has come meanwhile.
    bench.now += PERIOD_MS + LATE_MS;
    bench.deadlines.tick();
    bench.bytesIn += ENOUGH;
    await new Promise(setImmediate);
    expect(bench.slowAt).toBe(-1);
  });
});
