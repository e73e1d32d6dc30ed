/**
 * A small harness for micro-benchmarks: warm up, then some rounds of the same work, and the median of them. Benchmarks
 * run in one process, so what one leaves to the garbage collector may fall on the next: give each its own file when
 * that matters.
 *
 * Run a file on a Node that strips types (22.18 and later): `node bench/micro/access-record.ts`. On Node 20 bundle it
 * first: `npx esbuild bench/micro/access-record.ts --bundle --platform=node --format=esm --packages=external
 * --outfile=dist/bench.mjs && node dist/bench.mjs`.
 */

/** How long and how often to measure. */
export interface BenchOptions {
  /** Operations of one round. */
  readonly ops?: number;
  readonly rounds?: number;
  /** Rounds before the first that counts, in which the compiler settles. */
  readonly warmUp?: number;
}

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

/**
 * Measures `body`, which does the operation `ops` times. It should feed what it makes to `keep`, or the compiler may
 * leave the work out. A body that works asynchronously returns a promise.
 */
export async function bench(
  name: string,
  body: (ops: number) => void | Promise<void>,
  options: BenchOptions = {},
): Promise<BenchResult> {
  const { ops = 200_000, rounds = 9, warmUp = 3 } = options;
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const cpuBefore = process.cpuUsage();
    const before = process.hrtime.bigint();
    const pending = body(ops);
    if (pending !== undefined) await pending;
    const elapsed = Number(process.hrtime.bigint() - before);
    const used = process.cpuUsage(cpuBefore);
    if (round < 0) continue;
    wall.push(elapsed / ops);
    cpu.push(((used.user + used.system) * 1000) / ops);
  }
  const middle = median(cpu);
  const result = { name, wall: median(wall), cpu: middle, spread: (Math.max(...cpu) - Math.min(...cpu)) / middle };
  print(result);
  return result;
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
    `${result.name.padEnd(52)}${numbers[0]} ns wall${numbers[1]} ns CPU   ±${((result.spread / 2) * 100).toFixed(0)} %`,
  );
}
