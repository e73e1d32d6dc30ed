import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, ProxyError } from '../base/index.ts';
import { type FailureCount, MAX_COUNTED, RepeatedFailures } from './repeated-failures.ts';

let now: number;
let timer: { readonly at: number; readonly callback: () => void } | null;
let timers: number;
let written: string[];
let failures: RepeatedFailures;

beforeEach(() => {
  now = 5000;
  timer = null;
  timers = 0;
  written = [];
  failures = new RepeatedFailures(
    ({ message, upstream, count, last }: FailureCount) => {
      written.push(`${now - 5000}: ${message}, ${upstream} ${last.code} x${count}, last ${last.message}`);
    },
    {
      now: () => now,
      after(milliseconds, callback) {
        expect(timer).toBeNull();
        const set = { at: now + milliseconds, callback };
        timer = set;
        timers++;
        return () => {
          if (timer === set) timer = null;
        };
      },
    },
  );
});

/** @returns whether it is to be logged at once */
function fail(upstream: string, detail = 'refused', code: ErrorCode = 'dial_failed', message = 'failed'): boolean {
  return failures.isFirst(message, upstream, new ProxyError(code, detail));
}

/** Lets time pass, and the timer come when it is due. */
function pass(milliseconds: number): void {
  const end = now + milliseconds;
  while (timer !== null && timer.at <= end) {
    const { at, callback } = timer;
    timer = null;
    now = Math.max(now, at);
    callback();
  }
  now = end;
}

describe('RepeatedFailures', () => {
  it('has the first failure of an upstream logged at once, and the others of its second as one count', () => {
    expect(fail('a')).toBe(true);
    for (let nth = 1; nth <= 137; nth++) {
      pass(5);
      expect(fail('a', `the ${nth}th`)).toBe(false);
    }
    expect(written).toEqual([]);
    pass(1000);
    expect(written).toEqual(['1000: failed, a dial_failed x137, last the 137th']);
  });

  it('writes no count when there was one failure', () => {
    fail('a');
    pass(10_000);
    expect(written).toEqual([]);
  });

  it('writes one count a second as long as failures go on', () => {
    for (let nth = 0; nth < 35; nth++) {
      expect(fail('a')).toBe(nth === 0);
      pass(100);
    }
    pass(1000);
    expect(written.map((line) => line.split(',', 2).join())).toEqual([
      '1000: failed, a dial_failed x9',
      '2000: failed, a dial_failed x10',
      '3000: failed, a dial_failed x10',
      '4000: failed, a dial_failed x5',
    ]);
  });

  it('has a failure logged at once again after a quiet second', () => {
    fail('a');
    pass(999);
    expect(fail('a')).toBe(false);
    pass(1000);
    expect(fail('a')).toBe(false);
    pass(2000);
    expect(fail('a')).toBe(true);
    fail('b');
    pass(1000);
    expect([fail('a'), fail('b')]).toEqual([true, true]);
  });

  it('tells upstreams, codes and messages apart', () => {
    const all = (): boolean[] => [
      fail('a'),
      fail('b'),
      fail('a', 'late', 'dial_timeout'),
      fail('a', 'refused', 'dial_failed', 'not reached'),
    ];
    expect(all()).toEqual([true, true, true, true]);
    expect(all()).toEqual([false, false, false, false]);
    pass(1000);
    expect(written).toEqual([
      '1000: failed, a dial_failed x1, last refused',
      '1000: failed, b dial_failed x1, last refused',
      '1000: failed, a dial_timeout x1, last late',
      '1000: not reached, a dial_failed x1, last refused',
    ]);
  });

  it('ends each second by itself, with one timer, and with none when nothing is counted', () => {
    fail('a');
    pass(300);
    fail('b');
    fail('a');
    fail('b');
    pass(700);
    expect(written).toEqual(['1000: failed, a dial_failed x1, last refused']);
    pass(300);
    expect(written.slice(1)).toEqual(['1300: failed, b dial_failed x1, last refused']);
    pass(1000);
    expect(timer).toBeNull();
    const before = timers;
    pass(60_000);
    expect(timers).toBe(before);
  });

  it('closes a second on time although the timer is late', () => {
    fail('a');
    fail('a');
    now += 3000;
    expect(fail('a', 'much later')).toBe(false);
    expect(written).toEqual(['3000: failed, a dial_failed x1, last refused']);
    pass(1000);
    expect(written.slice(1)).toEqual(['4000: failed, a dial_failed x1, last much later']);
  });

  it('keeps a bounded number of upstreams: the oldest is written and forgotten', () => {
    for (let nth = 0; nth < MAX_COUNTED; nth++) fail(`u${nth}`);
    fail('u0', 'again');
    expect(fail('one more')).toBe(true);
    expect(written).toEqual(['0: failed, u0 dial_failed x1, last again']);
    expect(fail('u2')).toBe(false);
    expect(fail('u0')).toBe(true);
    expect(written).toHaveLength(1);
    expect(fail('u1')).toBe(true);
  });

  it('writes at the end what was counted so far', () => {
    for (let nth = 0; nth < 3; nth++) for (const upstream of ['a', 'b']) fail(upstream);
    fail('c');
    failures.flush();
    expect(written).toEqual(['0: failed, a dial_failed x2, last refused', '0: failed, b dial_failed x2, last refused']);
    expect(timer).toBeNull();
    failures.flush();
    expect(written).toHaveLength(2);
  });
});
