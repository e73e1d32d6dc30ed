import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlError, type ControlLine } from '../../control/index.ts';
import { Claim } from './key-lease.ts';
import { rateRule } from './key-counts.ts';
import { LimitKeeper } from './limit-keeper.ts';
import { LimitLeases } from './limit-leases.ts';
import type { CountRule, LimitAsk, LimitGrant, LimitReturns, RateCountRule } from './limit-messages.ts';

/** Milliseconds that a message takes from a process to another. */
const TRANSIT = 0.3;

const now = (): number => performance.now();

/** Workers of a daemon, their supervisor, and the messages between them, on a clock that the test moves. */
class Daemon {
  readonly keeper = new LimitKeeper(now);
  readonly workers: Worker[];
  /** What asked the supervisor, and what told it. */
  asks = 0;
  tells = 0;

  constructor(rule: CountRule, workers = 4) {
    this.workers = Array.from({ length: workers }, (_, i) => new Worker(this, i + 1, rule));
  }

  /** Replaces a worker that is killed. */
  kill(worker: Worker): void {
    worker.dead = true;
    this.keeper.gone(worker.number);
    this.workers[worker.number - 1] = new Worker(this, worker.number, worker.leases.rule);
  }
}

class Worker {
  readonly number: number;
  readonly leases: LimitLeases;
  readonly failures: unknown[] = [];
  /** Requests that were admitted and are not over. */
  underWay = 0;
  dead = false;
  mute = false;
  /** Milliseconds more that the supervisor takes to read what this worker asks. */
  delay = 0;

  constructor(daemon: Daemon, number: number, rule: CountRule) {
    this.number = number;
    const arrives = (action: () => void, delay = 0): unknown =>
      setTimeout(() => {
        if (!this.dead) action();
      }, TRANSIT + delay);
    const line: Pick<ControlLine, 'ask' | 'tell'> = {
      ask: (_topic, payload, timeoutMs) => {
        daemon.asks++;
        return new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new ControlError('timeout', 'late')), timeoutMs);
          if (this.mute) return;
          arrives(() => {
            const grant = daemon.keeper.take(number, payload as LimitAsk);
            arrives(() => {
              clearTimeout(timer);
              resolve(grant);
            });
          }, this.delay);
        });
      },
      tell: (_topic, payload) => {
        daemon.tells++;
        arrives(() => daemon.keeper.giveBack(number, payload as LimitReturns));
        return true;
      },
    };
    const failed = (error: unknown): void => void this.failures.push(error);
    this.leases = new LimitLeases({ id: 'test', rule, line: line as ControlLine, now, failed });
  }

  /** A request. @returns whether it was admitted; the claim of one that had to wait comes later */
  async request(key = 'k', signal = new AbortController().signal): Promise<Claim> {
    const entry = this.leases.get(key);
    const claim = this.leases.claim(entry);
    return claim === Claim.unknown ? this.leases.ask(entry, signal) : claim;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A number from 0 to below 1 that is the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** How many requests come in each millisecond of `ms`. */
type Pattern = (ms: number, any: () => number) => number;

const PATTERNS: [string, Pattern][] = [
  ['a steady flood', () => 8],
  ['a little more than the limit', (_, any) => (any() < 0.6 ? 2 : 1)],
  ['bursts', (ms) => (ms % 400 < 20 ? 100 : 0)],
  ['one burst and then a trickle', (ms, any) => (ms === 5 ? 1500 : any() < 0.5 ? 1 : 0)],
  ['less than the limit', (_, any) => (any() < 0.5 ? 1 : 0)],
];

const RULES: [string, RateCountRule][] = [
  ['window', { type: 'rate', algorithm: 'window', max: 1000, interval: 1000, burst: 1, weight: 50 }],
  ['fixed window', { type: 'rate', algorithm: 'window', max: 1000, interval: 1000, burst: 1, weight: 100 }],
  ['small window', { type: 'rate', algorithm: 'window', max: 20, interval: 250, burst: 1, weight: 50 }],
  ['gcra', { type: 'rate', algorithm: 'gcra', max: 1000, interval: 1000, burst: 1000, weight: 50 }],
  ['gcra, small burst', { type: 'rate', algorithm: 'gcra', max: 1000, interval: 1000, burst: 50, weight: 50 }],
];

describe.each(RULES)('%s, over four workers', (_name, rule) => {
  it.each(PATTERNS)('admits what one process would admit: %s', async (_pattern, pattern) => {
    const daemon = new Daemon(rule);
    const any = random(7);
    const one = rateRule(rule);
    let admitted = 0;
    let expected = 0;
    const send = async (worker: Worker): Promise<void> => {
      if ((await worker.request()) === Claim.admitted) admitted++;
    };
    const state = one.begin(now());
    for (let ms = 0; ms < 3000; ms++) {
      const requests = pattern(ms, any);
      for (let i = 0; i < requests; i++) {
        if (one.left(state, now()) > 0) {
          one.take(state, 1, now());
          expected++;
        }
        void send(daemon.workers[Math.floor(any() * 4)]);
      }
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(10);
    expect(admitted).toBeLessThanOrEqual(expected * 1.05);
    expect(admitted).toBeGreaterThanOrEqual(expected * 0.95);
  });
});

describe('a flood', () => {
  const rule: CountRule = { type: 'rate', algorithm: 'window', max: 50, interval: 60_000, burst: 1, weight: 50 };

  it('of refused requests costs a message a second at most', async () => {
    const daemon = new Daemon(rule, 2);
    const claims: Promise<Claim>[] = [];
    for (let ms = 0; ms < 5000; ms++) {
      for (const worker of daemon.workers) for (let i = 0; i < 20; i++) claims.push(worker.request());
      await vi.advanceTimersByTimeAsync(1);
    }
    const admitted = (await Promise.all(claims)).filter((claim) => claim === Claim.admitted);
    expect(admitted).toHaveLength(50);
    expect(daemon.asks).toBeLessThan(20);
  });

  it('of admitted requests costs a message for each lease, not for each request', async () => {
    const daemon = new Daemon({ ...rule, max: 1_000_000 }, 2);
    let admitted = 0;
    for (let ms = 0; ms < 1000; ms++) {
      for (const worker of daemon.workers) {
        for (let i = 0; i < 20; i++) void worker.request().then((claim) => (admitted += claim));
      }
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(admitted).toBe(40_000);
    expect(daemon.asks).toBeLessThan(60);
  });

  it('of many keys forgets the oldest, and no more than are kept', () => {
    const keeper = new LimitKeeper(now);
    const settings = { id: 'test', rule: { ...rule, interval: 100 }, want: 50, ahead: 0 };
    const ask = (key: number): number => (keeper.take(1, { ...settings, key: `${key}` }) as LimitGrant).granted;
    for (let key = 0; key < 65_536; key++) expect(ask(key)).toBe(50);
    expect([keeper.size, ask(0)]).toEqual([65_536, 0]);
    expect(ask(65_536)).toBe(50);
    // Key 0 was seen again meanwhile, so key 1 was the oldest.
    expect([keeper.size, ask(0), ask(1), ask(3)]).toEqual([65_536, 0, 50, 0]);
    vi.advanceTimersByTime(1000);
    keeper.sweep();
    expect(keeper.size).toBe(0);
  });
});

describe('leases', () => {
  it('that are not used go back', async () => {
    const daemon = new Daemon({
      type: 'rate',
      algorithm: 'window',
      max: 1000,
      interval: 60_000,
      burst: 1,
      weight: 100,
    });
    for (const worker of daemon.workers) {
      for (let i = 0; i < 100; i++) {
        void worker.request();
        await vi.advanceTimersByTimeAsync(2);
      }
    }
    await vi.advanceTimersByTimeAsync(500);
    const grant = await daemon.keeper.take(9, {
      id: 'test',
      rule: daemon.workers[0].leases.rule,
      key: 'k',
      want: 1000,
      ahead: 0,
    });
    expect(grant.granted).toBe(600);
  });

  it('are not taken for a key with few requests', async () => {
    const daemon = new Daemon(
      { type: 'rate', algorithm: 'window', max: 1000, interval: 10_000, burst: 1, weight: 100 },
      1,
    );
    for (let i = 0; i < 20; i++) {
      void daemon.workers[0]?.request();
      await vi.advanceTimersByTimeAsync(150);
    }
    expect(daemon.tells).toBe(0);
    expect(daemon.workers[0]?.leases.get('k').left).toBe(980);
  });
});

describe('the supervisor that does not answer', () => {
  it('leaves requests uncounted for a while, and is asked again', async () => {
    const daemon = new Daemon({ type: 'inflight', max: 1 }, 1);
    const [worker] = daemon.workers as [Worker];
    worker.mute = true;
    const first = worker.request();
    await vi.advanceTimersByTimeAsync(1001);
    expect(await first).toBe(Claim.uncounted);
    expect(await worker.request()).toBe(Claim.uncounted);
    expect(worker.failures).toHaveLength(1);
    worker.mute = false;
    await vi.advanceTimersByTimeAsync(1000);
    const counted = worker.request();
    await vi.advanceTimersByTimeAsync(1);
    expect(await counted).toBe(Claim.admitted);
  });
});

describe('the supervisor that answers too late', () => {
  it.each<CountRule>([
    { type: 'inflight', max: 2 },
    { type: 'rate', algorithm: 'window', max: 2, interval: 60_000, burst: 1, weight: 100 },
    { type: 'rate', algorithm: 'gcra', max: 2, interval: 60_000, burst: 2, weight: 50 },
  ])('gets back what it has granted: %j', async (rule) => {
    const daemon = new Daemon(rule, 1);
    const [worker] = daemon.workers as [Worker];
    worker.delay = 1500;
    const claims = [worker.request(), worker.request(), worker.request()];
    await vi.advanceTimersByTimeAsync(1001);
    expect(await Promise.all(claims)).toEqual([Claim.uncounted, Claim.uncounted, Claim.uncounted]);
    worker.delay = 0;
    await vi.advanceTimersByTimeAsync(1000);
    const counted = [worker.request(), worker.request(), worker.request()];
    await vi.advanceTimersByTimeAsync(10);
    expect(await Promise.all(counted)).toEqual([Claim.admitted, Claim.admitted, Claim.refused]);
    expect(worker.failures).toHaveLength(1);
  });
});

describe('requests under way', () => {
  /** Runs for a while with requests that last; checks at all times that no more than max are under way. */
  async function run(max: number, lasting: number, kills: boolean): Promise<{ most: number; admitted: number }> {
    const daemon = new Daemon({ type: 'inflight', max });
    const any = random(3);
    let underWay = 0;
    let most = 0;
    let admitted = 0;
    const send = async (worker: Worker): Promise<void> => {
      const claim = await worker.request();
      if (claim !== Claim.admitted || worker.dead) return;
      admitted++;
      most = Math.max(most, ++underWay);
      worker.underWay++;
      await new Promise((resolve) => setTimeout(resolve, any() * lasting));
      if (worker.dead) return;
      worker.underWay--;
      underWay--;
      worker.leases.release(worker.leases.get('k'));
    };
    for (let ms = 0; ms < 2000; ms++) {
      for (const worker of daemon.workers) {
        void send(worker);
        void send(worker);
      }
      if (kills && ms % 200 === 199) {
        const victim = daemon.workers[(ms >> 3) % 4];
        underWay -= victim.underWay;
        daemon.kill(victim);
      }
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(lasting + 500);
    expect(underWay).toBe(0);
    // No worker holds anything any more, killed ones included.
    expect(daemon.keeper.size).toBe(0);
    return { most, admitted };
  }

  it.each([1, 20, 200])('are never more than %i, and hardly fewer, over four workers', async (max) => {
    const { most, admitted } = await run(max, 100, false);
    expect(most).toBeLessThanOrEqual(max);
    expect(most).toBeGreaterThanOrEqual(max * 0.95);
    // A request lasts 50 ms on average, so each place could be used 40 times, or as often as requests come.
    expect(admitted).toBeGreaterThanOrEqual(0.8 * Math.min(max * 40, 16_000));
  });

  it('are given up with a worker that is killed, and no others', async () => {
    const { most, admitted } = await run(20, 100, true);
    expect(most).toBeLessThanOrEqual(20);
    expect(admitted).toBeGreaterThan(500);
  });

  it('may be sent one after another, to any worker', async () => {
    const daemon = new Daemon({ type: 'inflight', max: 1 });
    const claims: Claim[] = [];
    for (let i = 0; i < 200; i++) {
      const worker = daemon.workers[i % 4];
      const claim = worker.request();
      await vi.advanceTimersByTimeAsync(2);
      claims.push(await claim);
      // The next one is asked for before this one's end is known.
      worker.leases.release(worker.leases.get('k'));
    }
    expect(new Set(claims)).toEqual(new Set([Claim.admitted]));
    // The last one has ended; from now on one stays.
    await vi.advanceTimersByTimeAsync(300);
    const stays = daemon.workers[0].request();
    await vi.advanceTimersByTimeAsync(2);
    expect(await stays).toBe(Claim.admitted);
    const refused = daemon.workers[1].request();
    await vi.advanceTimersByTimeAsync(30);
    expect(await refused).toBe(Claim.refused);
  });

  it('are not taken by requests that were over before the answer came', async () => {
    const daemon = new Daemon({ type: 'inflight', max: 1 }, 2);
    const [one, two] = daemon.workers as [Worker, Worker];
    const controller = new AbortController();
    void one.request('k', controller.signal);
    controller.abort();
    await vi.advanceTimersByTimeAsync(300);
    const claim = two.request();
    await vi.advanceTimersByTimeAsync(10);
    expect(await claim).toBe(Claim.admitted);
  });
});
