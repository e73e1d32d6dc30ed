import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createThrottle, type Gate, type Throttle } from './throttle.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Time that moves only from timer to timer; `late` says by how much each timer is late. */
class FakeTime {
  now = 0;
  fired = 0;
  readonly #timers = new Set<Timer>();
  readonly #late: () => number;

  constructor(late: () => number = () => 0) {
    this.#late = late;
  }

  get waiting(): number {
    return this.#timers.size;
  }

  readonly schedule = (fn: () => void, ms: number): (() => void) => {
    const timer = { at: this.now + ms + this.#late(), fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Runs every timer that is due until `end`. */
  runUntil(end: number): void {
    for (;;) {
      let next: Timer | undefined;
      for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.now = Math.max(this.now, next.at);
      this.fired++;
      next.fn();
    }
    this.now = end;
  }
}

interface Passage {
  readonly at: number;
  readonly bytes: number;
}

/** A source that always has more: pieces of `size()` bytes, forwarded through its gate as soon as that allows. */
class Source {
  readonly passages: Passage[] = [];
  readonly gate: Gate;
  readonly #time: FakeTime;
  readonly #size: () => number;
  #kept = 0;

  constructor(throttle: Throttle, time: FakeTime, size: () => number, postpaid = false) {
    this.#time = time;
    this.#size = size;
    this.gate = throttle.open(() => this.run());
    this.run = postpaid ? this.#runPostpaid : this.#runPrepaid;
  }

  get total(): number {
    return this.passages.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  run: () => void;

  readonly #runPrepaid = (): void => {
    for (;;) {
      if (this.#kept === 0) this.#kept = this.#size();
      const granted = this.gate.take(this.#kept);
      if (granted > 0) this.passages.push({ at: this.#time.now, bytes: granted });
      this.#kept -= granted;
      if (this.#kept > 0) return;
    }
  };

  readonly #runPostpaid = (): void => {
    let goOn = true;
    while (goOn) {
      const bytes = this.#size();
      this.passages.push({ at: this.#time.now, bytes });
      goOn = this.gate.passed(bytes);
    }
  };
}

function setUp(mbps: number, late?: () => number): { time: FakeTime; throttle: Throttle } {
  const time = new FakeTime(late);
  return { time, throttle: createThrottle({ mbps, now: () => time.now, schedule: time.schedule }) };
}

/** The most and the least that passed in any 3 seconds until `end`, as a share of the rate. */
function extremes(passages: readonly Passage[], mbps: number, end: number): { most: number; least: number } {
  const at: number[] = [];
  const before: number[] = [];
  let sum = 0;
  for (const passage of passages.toSorted((a, b) => a.at - b.at)) {
    if (passage.at !== at.at(-1)) {
      at.push(passage.at);
      before.push(sum);
    }
    sum += passage.bytes;
  }
  before.push(sum);
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let first = 0, behind = 0; first < at.length && at[first] + 3000 <= end; first++) {
    while (behind < at.length && at[behind] < at[first] + 3000) behind++;
    // A window that begins with a passage and ends just before one holds the most, the other way round the least.
    most = Math.max(most, before[behind] - before[first]);
    least = Math.min(least, before[at[behind] === at[first] + 3000 ? behind + 1 : behind] - before[first + 1]);
  }
  const ideal = mbps * 125 * 3000;
  return { most: most / ideal, least: least / ideal };
}

describe('a saturated transfer', () => {
  it.each([0.001, 0.01, 0.1, 0.5, 1, 8, 100, 1000, 10_000])('of %d Mbps is exact over 3 seconds', (mbps) => {
    const { time, throttle } = setUp(mbps);
    const source = new Source(throttle, time, () => 65_536);
    source.run();
    time.runUntil(3000);
    expect(source.total / (mbps * 125 * 3000)).toBeGreaterThan(0.95);
    expect(source.total / (mbps * 125 * 3000)).toBeLessThan(1.05);
  });

  it.each([1, 2, 8, 100])('of %d Mbps is exact when pieces of 16 KiB are paid afterwards', (mbps) => {
    const { time, throttle } = setUp(mbps);
    const source = new Source(throttle, time, () => 16_384, true);
    source.run();
    time.runUntil(3000);
    expect(source.total / (mbps * 125 * 3000)).toBeGreaterThan(0.9);
    expect(source.total / (mbps * 125 * 3000)).toBeLessThan(1.1);
  });

  it.each([1, 1460, 16_384, 65_536])('in pieces of %d bytes wakes at most 100 times a second', (size) => {
    const { time, throttle } = setUp(8);
    const source = new Source(throttle, time, () => size);
    source.run();
    time.runUntil(2000);
    expect(time.fired).toBeLessThanOrEqual(200);
    expect(time.waiting).toBe(1);
  });

  it('loses nothing to timers that are 40 ms late', () => {
    const { time, throttle } = setUp(1, () => 40);
    const source = new Source(throttle, time, () => 16_384);
    source.run();
    time.runUntil(3000);
    expect(source.total / 375_000).toBeGreaterThan(0.95);
  });

  it.each([100, 300, 950])(
    'loses nothing to timers that are %d ms late on a busy machine, and gains nothing',
    (late) => {
      const { time, throttle } = setUp(16, () => late);
      // As a download is: no more is read before the rest of the last read has passed.
      const source = new Source(throttle, time, () => 32_768);
      source.run();
      time.runUntil(20_000);
      expect(source.total / (16 * 125 * 20_000)).toBeGreaterThan(0.93);
      expect(source.total / (16 * 125 * 20_000)).toBeLessThan(1.02);
    },
  );

  it('passes no more than a burst after an idle time, though a timer was late before it', () => {
    const times = [950];
    const { time, throttle } = setUp(8, () => times.shift() ?? 0);
    const gate = throttle.open(() => {});
    gate.take(150_000);
    time.runUntil(5000);
    expect(gate.take(1_000_000) - 50_000).toBeLessThanOrEqual(100_000);
  });

  it('is not stopped by timers that come early', () => {
    const { time, throttle } = setUp(1, () => -1);
    const source = new Source(throttle, time, () => 16_384);
    source.run();
    time.runUntil(3000);
    expect(source.total / 375_000).toBeGreaterThan(0.95);
    expect(source.total / 375_000).toBeLessThan(1.05);
  });
});

describe('a gate', () => {
  it('grants what there is at once, and holds no timer meanwhile', () => {
    const { time, throttle } = setUp(8);
    const gate = throttle.open(() => {});
    expect(gate.take(60_000)).toBe(60_000);
    expect(gate.take(0)).toBe(0);
    expect(time.waiting).toBe(0);
  });

  it('grants a part, then calls for the rest', () => {
    const { time, throttle } = setUp(8);
    const granted: number[] = [];
    const gate = throttle.open(() => granted.push(gate.take(20_000)));
    expect(gate.take(120_000)).toBe(100_000);
    expect(gate.take(20_000)).toBe(0);
    time.runUntil(19);
    expect(granted).toEqual([]);
    time.runUntil(20);
    expect(granted).toEqual([20_000]);
    expect(time.waiting).toBe(0);
  });

  it('keeps a grant that is fetched later', () => {
    const { time, throttle } = setUp(8);
    let calls = 0;
    const gate = throttle.open(() => calls++);
    gate.take(120_000);
    time.runUntil(1000);
    expect(calls).toBe(1);
    const other = throttle.open(() => {});
    expect(other.take(100_000)).toBe(100_000);
    expect(gate.take(20_000)).toBe(20_000);
  });

  it('allows a burst of 100 ms after an idle time, and no more', () => {
    const { time, throttle } = setUp(8);
    time.runUntil(60_000);
    expect(throttle.open(() => {}).take(1_000_000)).toBe(100_000);
  });

  it('resumes when all that passed is paid, late bytes included', () => {
    const { time, throttle } = setUp(8);
    const resumed: number[] = [];
    const gate = throttle.open(() => resumed.push(time.now));
    expect(gate.passed(100_000)).toBe(true);
    expect(gate.passed(70_000)).toBe(false);
    expect(gate.passed(30_000)).toBe(false);
    time.runUntil(99);
    expect(resumed).toEqual([]);
    time.runUntil(200);
    expect(resumed).toEqual([100]);
    expect(time.waiting).toBe(0);
  });

  it('leaves no timer when it is closed, and neither grants nor resumes', () => {
    const { time, throttle } = setUp(8);
    let calls = 0;
    const gate = throttle.open(() => calls++);
    gate.take(200_000);
    expect(time.waiting).toBe(1);
    gate.close();
    gate.close();
    expect(time.waiting).toBe(0);
    time.runUntil(1000);
    expect(calls).toBe(0);
    expect(gate.take(10)).toBe(0);
    expect(gate.passed(10)).toBe(false);
    expect(time.waiting).toBe(0);
  });

  it('gives back what it did not use when it is closed', () => {
    const { time, throttle } = setUp(8);
    const gate = throttle.open(() => {});
    gate.take(150_000);
    time.runUntil(50);
    gate.close();
    expect(throttle.open(() => {}).take(50_000)).toBe(50_000);
  });
});

describe('sharers', () => {
  it.each([2, 10, 100])('%d of them get the same, and together the rate', (count) => {
    const { time, throttle } = setUp(8);
    const sources = Array.from({ length: count }, () => new Source(throttle, time, () => 65_536));
    for (const source of sources) source.run();
    time.runUntil(10_000);
    const totals = sources.map((source) => source.total);
    const all = totals.reduce((sum, total) => sum + total, 0);
    expect(all / 10_000_000).toBeGreaterThan(0.97);
    expect(all / 10_000_000).toBeLessThan(1.03);
    // The first gate got the whole burst, as it was alone then.
    const later = totals.slice(1);
    expect(Math.max(...later) / Math.min(...later)).toBeLessThan(1.1);
  });

  it('are woken in the order in which they came', () => {
    const { time, throttle } = setUp(8);
    throttle.open(() => {}).take(100_000);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) throttle.open(() => order.push(name)).take(1000);
    time.runUntil(1000);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('do not wait for one that fetches nothing', () => {
    const { time, throttle } = setUp(8);
    throttle.open(() => {}).take(1_000_000);
    const source = new Source(throttle, time, () => 16_384);
    source.run();
    time.runUntil(3000);
    expect(source.total / 3_000_000).toBeGreaterThan(0.9);
  });

  it('cannot be overtaken by one that does not wait, even when there is enough for it', () => {
    const { time, throttle } = setUp(8);
    const order: string[] = [];
    throttle.open(() => order.push('first')).take(150_000);
    time.runUntil(40);
    const second = throttle.open(() => order.push('second'));
    expect(second.take(1000)).toBe(0);
    time.runUntil(1000);
    expect(order).toEqual(['first', 'second']);
  });

  it('go on when one of them is closed by another', () => {
    const { time, throttle } = setUp(8);
    throttle.open(() => {}).take(100_000);
    let called = false;
    const victim = throttle.open(() => (called = true));
    const killer = throttle.open(() => victim.close());
    killer.take(1000);
    victim.take(1000);
    const source = new Source(throttle, time, () => 1000);
    source.run();
    time.runUntil(1000);
    expect(called).toBe(false);
    expect(source.total).toBeGreaterThan(900_000);
  });

  it('go on when the onResume of one throws', () => {
    const { time, throttle } = setUp(8);
    const source = new Source(throttle, time, () => 16_384);
    const bad = throttle.open(() => {
      throw new Error('broken');
    });
    throttle.open(() => {}).take(100_000);
    bad.take(1000);
    source.run();
    expect(() => time.runUntil(1000)).toThrow('broken');
    time.runUntil(3000);
    expect(source.total / 3_000_000).toBeGreaterThan(0.9);
  });
});

interface Schedule {
  readonly mbps: number;
  readonly gates: number;
  readonly postpaid: boolean;
  readonly sizes: number[];
  readonly late: number[];
  readonly starts: number[];
}

describe('any schedule', () => {
  const schedule: fc.Arbitrary<Schedule> = fc.record({
    mbps: fc.constantFrom(0.1, 0.7, 3, 40, 900),
    gates: fc.integer({ min: 1, max: 5 }),
    postpaid: fc.boolean(),
    sizes: fc.array(fc.integer({ min: 300, max: 1000 }), { minLength: 1, maxLength: 8 }),
    late: fc.array(fc.integer({ min: -1, max: 20 }), { minLength: 1, maxLength: 4 }),
    starts: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 5, maxLength: 5 }),
  });

  it('passes in every 3 seconds what the rate says, to 10 %', () => {
    const check = ({ mbps, gates, postpaid, sizes, late, starts }: Schedule): void => {
      let timers = 0;
      let pieces = 0;
      const { time, throttle } = setUp(mbps, () => late[timers++ % late.length]);
      // Pieces up to 1 % of what passes in 3 seconds, so that a few gates ahead by one piece each stay within 10 %.
      const unit = (mbps * 125 * 3000) / 100 / 1000;
      const size = (): number => Math.max(1, Math.round(sizes[pieces++ % sizes.length] * unit));
      const sources = Array.from({ length: gates }, () => new Source(throttle, time, size, postpaid));
      for (const [i, source] of sources.entries()) time.schedule(source.run, starts[i]);
      time.runUntil(5000);
      const passages = sources.flatMap((source) => source.passages);
      const { most, least } = extremes(passages, mbps, 5000);
      if (most > 1.1) expect.fail(`${most} times the rate passed in 3 seconds`);
      if (least < 0.9) expect.fail(`only ${least} times the rate passed in 3 seconds`);
    };
    fc.assert(fc.property(schedule, check), { numRuns: 10_000 });
  });
});
