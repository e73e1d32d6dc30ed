import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlError, type ControlLine } from '../control/index.ts';
import { type Gate, type Schedule, Throttle } from '../throttle/index.ts';
import { LeasedSource } from './leased-source.ts';
import { SpeedKeeper } from './speed-keeper.ts';
import type { SpeedAsk, SpeedReturn } from './speed-messages.ts';

/** Milliseconds that a message takes from a process to another. */
const TRANSIT = 1;

const now = (): number => performance.now();
const schedule: Schedule = (fn, ms) => {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
};

class Supervisor {
  readonly keeper = new SpeedKeeper({ now, schedule });
  asks = 0;
}

class Worker {
  readonly number: number;
  readonly throttle: Throttle;
  readonly transfers: Transfer[] = [];
  dead = false;
  gone = false;

  constructor(supervisor: Supervisor, number: number, mbps: number) {
    this.number = number;
    const later = (action: () => unknown): unknown =>
      setTimeout(() => {
        if (!this.dead) action();
      }, TRANSIT);
    const line: Pick<ControlLine, 'ask' | 'tell'> = {
      ask: (_topic, payload) => {
        supervisor.asks++;
        if (this.gone) return Promise.reject(new ControlError('gone', 'no supervisor'));
        return new Promise((resolve) => {
          later(async () => {
            const bytes = await supervisor.keeper.lease(number, payload as SpeedAsk);
            later(() => resolve(bytes));
          });
        });
      },
      tell: (_topic, payload) => {
        later(() => supervisor.keeper.giveBack(number, payload as SpeedReturn));
        return true;
      },
    };
    const source = new LeasedSource({ id: 'test', mbps, line: line as ControlLine, now, schedule });
    this.throttle = new Throttle(source);
  }

  /** Begins transfers that always have more. */
  begin(count: number): this {
    for (let i = 0; i < count; i++) this.transfers.push(new Transfer(this));
    return this;
  }

  get passed(): number {
    return this.transfers.reduce((sum, { passed }) => sum + passed, 0);
  }

  kill(supervisor: Supervisor): void {
    this.dead = true;
    for (const transfer of this.transfers) transfer.gate.close();
    supervisor.keeper.gone(this.number);
  }
}

const PIECE = 65_536;

/** Forwards pieces as soon as its gate allows it. */
class Transfer {
  passed = 0;
  readonly gate: Gate;
  private left = PIECE;

  constructor(worker: Worker) {
    this.gate = worker.throttle.open(() => this.go());
    this.go();
  }

  private go(): void {
    for (let turn = 0; turn < 100; turn++) {
      const granted = this.gate.take(this.left);
      this.passed += granted;
      this.left -= granted;
      if (this.left > 0) return;
      this.left = PIECE;
    }
    // A real source has its next bytes in a later turn.
    setTimeout(() => this.go(), 1);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function fleetOf(mbps: number, transfers: readonly number[]): { supervisor: Supervisor; workers: Worker[] } {
  const supervisor = new Supervisor();
  const workers = transfers.map((count, i) => new Worker(supervisor, i + 1, mbps).begin(count));
  return { supervisor, workers };
}

const sum = (workers: readonly Worker[]): number => workers.reduce((total, { passed }) => total + passed, 0);

describe('a shared speed limit', () => {
  it.each([
    [0.05, [1, 1, 1, 1]],
    [1, [1, 1, 1, 1]],
    [8, [1, 1, 1, 1]],
    [80, [1, 1, 1, 1]],
    [80, [7, 0, 0, 1]],
    [80, [10, 10, 10, 10]],
    [1000, [1, 2, 3, 4]],
    [1000, [1]],
  ])('of %d Mbit/s is what all workers together pass, with %j transfers', async (mbps, transfers) => {
    const { supervisor, workers } = fleetOf(mbps, transfers);
    await vi.advanceTimersByTimeAsync(3000);
    const rate = (mbps * 1e6) / 8;
    expect(sum(workers) / (3 * rate)).toBeLessThan(1.05);
    expect(sum(workers) / (3 * rate)).toBeGreaterThan(0.95);
    // And from then on, when the first burst is over.
    const before = sum(workers);
    await vi.advanceTimersByTimeAsync(3000);
    expect((sum(workers) - before) / (3 * rate)).toBeLessThan(1.02);
    expect((sum(workers) - before) / (3 * rate)).toBeGreaterThan(0.98);
    // At most 200 a second of each worker, whose transfers want 64 KiB at a time.
    expect(supervisor.asks).toBeLessThan(6 * 200 * transfers.length);
  });

  it('is fair to transfers, wherever they are', async () => {
    const { workers } = fleetOf(80, [1, 2, 5, 0]);
    await vi.advanceTimersByTimeAsync(5000);
    const passed = workers.flatMap(({ transfers }) => transfers.map((transfer) => transfer.passed));
    const fair = sum(workers) / 8;
    for (const each of passed) expect(Math.abs(each - fair) / fair).toBeLessThan(0.2);
  });

  it('goes to the others when transfers end, or a worker is killed', async () => {
    const { supervisor, workers } = fleetOf(80, [1, 1, 1, 1]);
    await vi.advanceTimersByTimeAsync(1000);
    workers[0].kill(supervisor);
    for (const { gate } of workers[1].transfers) gate.close();
    const left = workers.slice(2);
    const before = sum(left);
    await vi.advanceTimersByTimeAsync(3000);
    expect((sum(left) - before) / 30e6).toBeGreaterThan(0.97);
    expect((sum(left) - before) / 30e6).toBeLessThan(1.03);
  });

  it('gives what is leased and not used back to the others', async () => {
    const { supervisor, workers } = fleetOf(8, [1]);
    await vi.advanceTimersByTimeAsync(3000);
    workers[0].transfers[0].gate.close();
    await vi.advanceTimersByTimeAsync(1000);
    // The bucket is full again: 100 ms of the rate.
    const leased = vi.fn();
    void supervisor.keeper.lease(9, { id: 'test', mbps: 8, bytes: 100_000, transfers: 1 }).then(leased);
    await vi.advanceTimersByTimeAsync(0);
    expect(leased).toHaveBeenCalledWith(100_000);
  });

  it('costs a few messages a second, and none without transfers', async () => {
    const { supervisor, workers } = fleetOf(80, [4, 4]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(supervisor.asks).toBeLessThan(1000);
    for (const { transfers } of workers) for (const { gate } of transfers) gate.close();
    await vi.advanceTimersByTimeAsync(1000);
    const { asks } = supervisor;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(supervisor.asks).toBe(asks);
    supervisor.keeper.sweep();
    expect(supervisor.keeper.size).toBe(0);
  });

  it('holds in a worker that has lost its supervisor, which lets its transfers end', async () => {
    const { workers } = fleetOf(80, [2]);
    await vi.advanceTimersByTimeAsync(1000);
    workers[0].gone = true;
    const before = sum(workers);
    await vi.advanceTimersByTimeAsync(3000);
    expect((sum(workers) - before) / 30e6).toBeGreaterThan(0.9);
    expect((sum(workers) - before) / 30e6).toBeLessThan(1.05);
  });
});
