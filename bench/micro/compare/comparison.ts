/** The arithmetic of comparing a benchmark's rows before and after a change, each measured by several processes. */

/** CPU time of an operation in nanoseconds, as each of the processes has measured it, by the name of the row. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** What a row says about the change: `same` when the processes of one side differ by as much as the two sides do. */
export type Verdict = 'same' | 'slower' | 'faster' | 'only before' | 'only after';

/** A row of the comparison, in nanoseconds. What one side has not measured is NaN. */
export interface ComparedRow {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  /** Highest less lowest of a side. */
  readonly spreadBefore: number;
  readonly spreadAfter: number;
  /** After divided by before. */
  readonly ratio: number;
  readonly verdict: Verdict;
}

/** Compares rows by their names, in the order of `after`; what only `before` has stands at the end. */
export function compare(before: Samples, after: Samples): ComparedRow[] {
  const gone = [...before.keys()].filter((name) => !after.has(name));
  return [...after.keys(), ...gone].map((name) => compareRow(name, before.get(name) ?? [], after.get(name) ?? []));
}

function compareRow(name: string, before: readonly number[], after: readonly number[]): ComparedRow {
  const [old, fresh] = [middle(before), middle(after)];
  const [spreadBefore, spreadAfter] = [spread(before), spread(after)];
  const row = { name, before: old, after: fresh, spreadBefore, spreadAfter, ratio: fresh / old };
  return { ...row, verdict: verdictOf(row) };
}

function verdictOf({ before, after, spreadBefore, spreadAfter }: Omit<ComparedRow, 'verdict'>): Verdict {
  if (Number.isNaN(before)) return 'only after';
  if (Number.isNaN(after)) return 'only before';
  if (Math.abs(after - before) <= Math.max(spreadBefore, spreadAfter)) return 'same';
  return after > before ? 'slower' : 'faster';
}

/** The median; NaN of nothing. */
export function middle(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function spread(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.max(...values) - Math.min(...values);
}

/** The rows as a table of text; marks stand where the difference exceeds the spread. */
export function comparisonTable(rows: readonly ComparedRow[]): string {
  const width = Math.max(20, ...rows.map(({ name }) => name.length));
  const head = `${'CPU, ns an operation'.padEnd(width)}${'before'.padStart(20)}${'after'.padStart(20)}${'ratio'.padStart(8)}`;
  return [head, ...rows.map((row) => line(row, width))].join('\n');
}

const MARKS: Readonly<Record<Verdict, string>> = {
  same: '',
  slower: '  ▲ slower',
  faster: '  ▼ faster',
  'only before': '  only before',
  'only after': '  only after',
};

function line(row: ComparedRow, width: number): string {
  const ratio = Number.isNaN(row.ratio) ? '–' : row.ratio.toFixed(2);
  const sides = side(row.before, row.spreadBefore) + side(row.after, row.spreadAfter);
  return `${row.name.padEnd(width)}${sides}${ratio.padStart(8)}${MARKS[row.verdict]}`;
}

function side(value: number, spread: number): string {
  if (Number.isNaN(value)) return '–'.padStart(20);
  const digits = value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} (${((spread / value) * 100).toFixed(0).padStart(2)} %)`.padStart(20);
}
