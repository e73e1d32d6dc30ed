import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, type LookupWaiter, MAX_LOOKUPS, MAX_NAMES, MAX_WAITERS, NameTable } from './name-table.ts';

/** Remembers what it was told. */
class Waiter implements LookupWaiter {
  told: (readonly string[] | string)[] = [];
  onAddresses(addresses: readonly string[]): void {
    this.told.push(addresses);
  }
  onLookupFailed(error: Error): void {
    this.told.push(error.message);
  }
}

let asked: string[];
let answers: ((answer: Answer) => void)[];
let table: NameTable;

const found = (addresses: readonly string[], ttl: number): Answer => ({ kind: 'found', addresses, ttl });
const FAILED = { kind: 'failed', reason: 'silence' } as const;
const MISSING = { kind: 'missing', reason: 'no such name' } as const;

/** Ends the oldest look-up under way. */
function answer(with_: Answer): void {
  answers.shift()?.(with_);
}

const lookup = (name = 'a'): readonly string[] | string | null => {
  const known = table.lookup(name, new Waiter());
  return known instanceof Error ? known.message : known;
};

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answers = [];
  table = new NameTable(
    (name, done) => {
      asked.push(name);
      answers.push(done);
    },
    () => performance.now(),
  );
});
afterEach(() => vi.useRealTimers());

const pass = (milliseconds: number): void => void vi.advanceTimersByTime(milliseconds);

describe('a name', () => {
  it('is looked up once for all that wait, and they are told once', () => {
    const waiters = [new Waiter(), new Waiter(), new Waiter()];
    for (const waiter of waiters) expect(table.lookup('a', waiter)).toBe(null);
    table.leave('a', waiters[1]);
    answer(found(['10.0.0.1'], 60));
    expect(asked).toEqual(['a']);
    expect(waiters.map(({ told }) => told)).toEqual([[['10.0.0.1']], [], [['10.0.0.1']]]);
    expect(lookup()).toEqual(['10.0.0.1']);
    expect(asked).toHaveLength(1);
  });

  it('that is not answered keeps no other one waiting', () => {
    expect([lookup('a'), lookup('b')]).toEqual([null, null]);
    answers[1]?.(found(['10.0.0.2'], 60));
    expect([lookup('a'), lookup('b')]).toEqual([null, ['10.0.0.2']]);
  });

  it.each([
    [0, 1000],
    [30, 30_000],
    [86_400, 300_000],
  ])('is known for its TTL of %d s, within bounds', (ttl, milliseconds) => {
    lookup();
    answer(found(['10.0.0.1'], ttl));
    pass(milliseconds - 1);
    expect(lookup()).toEqual(['10.0.0.1']);
    pass(1);
    expect(lookup()).toBe(null);
    answer(found(['10.0.0.2'], ttl));
    expect(lookup()).toEqual(['10.0.0.2']);
  });

  it.each([
    ['that does not exist', MISSING, 3000],
    ['for which no server answered', FAILED, 2000],
  ])('%s is asked for again soon', (_, negative, milliseconds) => {
    const waiter = new Waiter();
    table.lookup('a', waiter);
    answer(negative);
    const { reason } = negative;
    expect(waiter.told).toEqual([reason]);
    pass(milliseconds - 1);
    expect(lookup()).toBe(reason);
    pass(1);
    expect(lookup()).toBe(null);
  });
});

describe('old addresses', () => {
  beforeEach(() => {
    lookup();
    answer(found(['10.0.0.1'], 1));
    pass(1000);
  });

  it('are used when the servers do not answer at once, and then without waiting', () => {
    const waiter = new Waiter();
    expect(table.lookup('a', waiter)).toBe(null);
    pass(300);
    expect(waiter.told).toEqual([['10.0.0.1']]);
    expect(lookup()).toEqual(['10.0.0.1']);
    answer(FAILED);
    pass(5000);
    expect(lookup()).toEqual(['10.0.0.1']);
    expect(asked).toHaveLength(3);
    answer(found(['10.0.0.2'], 60));
    expect(lookup()).toEqual(['10.0.0.2']);
  });

  it('end after a day', () => {
    for (let hour = 0; hour < 25; hour++) {
      lookup();
      answer(FAILED);
      pass(3_600_000);
    }
    expect(lookup()).toBe(null);
    answer(FAILED);
    expect(lookup()).toBe('silence');
  });

  it('are not used when the name is gone', () => {
    lookup();
    answer(MISSING);
    expect(lookup()).toBe('no such name');
  });
});

describe('addresses that connections may hold', () => {
  it('are those of the last two answers: servers may tell of a part at a time', () => {
    expect(table.holding('a')).toBe(null);
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
      answer(found([address], 1));
      pass(1000);
      table.holding('a');
    }
    expect(table.holding('a')).toEqual(['10.0.0.3', '10.0.0.2']);
    expect(asked).toHaveLength(4);
  });
});

describe('bounds', () => {
  it('hold for those that wait for a name', () => {
    const waiters = Array.from({ length: MAX_WAITERS + 500 }, () => new Waiter());
    const refused = waiters.filter((waiter) => table.lookup('a', waiter) instanceof Error);
    expect(refused).toHaveLength(500);
    expect(lookup('b')).toBe(null);
    answer(found(['10.0.0.1'], 60));
    expect(waiters.filter(({ told }) => told.length === 1)).toHaveLength(MAX_WAITERS);
  });

  it('hold for those that wait for new addresses: the others take the old ones', () => {
    lookup('a');
    answer(found(['10.0.0.1'], 1));
    pass(1000);
    for (let i = 0; i < MAX_WAITERS; i++) expect(table.lookup('a', new Waiter())).toBe(null);
    expect(lookup('a')).toEqual(['10.0.0.1']);
  });

  it('hold for names that are looked up at once, but known ones are found', () => {
    lookup('known');
    answer(found(['10.0.0.1'], 1));
    pass(1000);
    for (let i = 0; i < MAX_LOOKUPS; i++) expect(lookup(`dead${i}`)).toBe(null);
    expect(lookup('other')).toBe(`too many lookups: ${MAX_LOOKUPS} other names are being looked up`);
    expect(lookup('known')).toEqual(['10.0.0.1']);
    expect(asked).toHaveLength(MAX_LOOKUPS + 1);
  });

  it('hold for names that are remembered', () => {
    for (let i = 0; i <= MAX_NAMES; i++) {
      lookup(`name${i}`);
      answer(found(['10.0.0.1'], 300));
    }
    expect(lookup('name1')).toEqual(['10.0.0.1']);
    expect(lookup('name0')).toBe(null);
  });
});

it('forgets everything, but tells those who wait', () => {
  const waiter = new Waiter();
  table.lookup('a', waiter);
  table.clear();
  expect(lookup()).toBe(null);
  answer(found(['10.0.0.1'], 60));
  expect(waiter.told).toEqual([['10.0.0.1']]);
  expect(lookup()).toBe(null);
  answer(found(['10.0.0.2'], 60));
  expect(lookup()).toEqual(['10.0.0.2']);
});
