/**
 * A small harness for micro-benchmarks: warm up until the compiler has settled, then some rounds of the same work, and
 * the median of them. How often a round does the work is found out in the warm-up, so that each takes about as long.
 *
 * `bench/micro.sh` runs the benchmarks, each file in its own process, as what one leaves to the garbage collector may
 * fall on the next.
 */
import { appendFileSync } from 'node:fs';

/** Milliseconds of a round: long enough for a few collections of young objects to fall into each. */
const ROUND_MS = setting('PROX_BENCH_ROUND_MS', 40);
/** Rounds that count. */
const ROUNDS = setting('PROX_BENCH_ROUNDS', 9);
/** Milliseconds before the first round that counts: optimised code stands well before. */
const WARM_UP_MS = setting('PROX_BENCH_WARM_UP_MS', 250);
/** Where each result is written to as well, a line of JSON each; nowhere when it is not set. */
const REPORT = process.env['PROX_BENCH_REPORT'];

/** Medians over the rounds, in nanoseconds an operation. */
export interface BenchResult {
  readonly name: string;
  /** Wall-clock time. */
  readonly wall: number;
  /** CPU time of the whole process, all threads, user and system; garbage collection included. */
  readonly cpu: number;
  /** Highest less lowest CPU time of the rounds, as a share of the median: how far to trust the numbers. */
  readonly spread: number;
}

type Body = (ops: number) => void | Promise<void>;

/**
 * Measures `body`, which does the operation `ops` times. It should feed what it makes to `keep`, or the compiler may
 * leave the work out. A body that works asynchronously returns a promise.
 */
export async function bench(name: string, body: Body): Promise<BenchResult> {
  // Node has it when it was started with --expose-gc: rows are not to pay for what others have left.
  globalThis.gc?.();
  const ops = await warmUp(body);
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const time = await measure(body, ops);
    wall.push(time.wall);
    cpu.push(time.cpu);
  }
  const middle = median(cpu);
  const result = { name, wall: median(wall), cpu: middle, spread: (Math.max(...cpu) - Math.min(...cpu)) / middle };
  print(result);
  if (REPORT !== undefined) appendFileSync(REPORT, `${JSON.stringify(result)}\n`);
  return result;
}

/** Runs the body for a while. @returns operations that fill a round */
async function warmUp(body: Body): Promise<number> {
  let ops = 16;
  for (let spent = 0; ;) {
    const { wall } = await measure(body, ops);
    const took = (wall * ops) / 1e6;
    spent += took;
    // Twice as many at most: the first times are those of code that is not compiled yet.
    const wanted = Math.max(1, Math.round(Math.min(ops * 2, (ops * ROUND_MS) / took)));
    if (spent >= WARM_UP_MS) return wanted;
    ops = wanted;
  }
}

async function measure(body: Body, ops: number): Promise<{ wall: number; cpu: number }> {
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  const pending = body(ops);
  if (pending !== undefined) await pending;
  const elapsed = Number(process.hrtime.bigint() - before);
  const used = process.cpuUsage(cpuBefore);
  return { wall: elapsed / ops, cpu: ((used.user + used.system) * 1000) / ops };
}

let kept: unknown;

/** Uses a value, so that the work that made it cannot be left out. */
export function keep(value: unknown): void {
  kept = value;
}

/** What `keep` saw last. */
export function lastKept(): unknown {
  return kept;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function print(result: BenchResult): void {
  const numbers = [result.wall, result.cpu].map((value) => value.toFixed(0).padStart(8));
  console.log(
    `${result.name.padEnd(58)}${numbers[0]} ns wall${numbers[1]} ns CPU   ±${((result.spread / 2) * 100).toFixed(0)} %`,
  );
}

function setting(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!(value > 0)) throw new Error(`${name} is not a number above 0`);
  return value;
}
