/** When to begin a new file, and how many files to keep. At least one of frequency and size is set. */
export interface RotateOptions {
  /** `daily`, `hourly` (local time), or milliseconds. */
  readonly frequency: 'daily' | 'hourly' | number | null;
  /** Bytes; a file is rotated after the first batch that reaches this size. */
  readonly size: number | null;
  /** Number of rotated files to keep besides the current one; null keeps all. */
  readonly keep: number | null;
}

/** The time that one file covers. */
export interface Period {
  /** Milliseconds since 1970, when the next one begins; Infinity without a frequency. */
  readonly end: number;
  /**
   * The beginning of the period in local time, as it appears in the name of a rotated file; null without a frequency.
   */
  readonly label: string | null;
}

/** Longer than any value that a config accepts; the sum with a current date is still a valid date. */
const MAX_FREQUENCY = 2 ** 31 - 1;

const HOUR = 3_600_000;

/** @throws Error when the frequency is out of range */
export function checkFrequency(frequency: RotateOptions['frequency']): void {
  if (typeof frequency === 'number' && !(frequency > 0 && frequency <= MAX_FREQUENCY)) {
    throw new Error(`a rotation frequency of ${frequency} ms is out of range; allowed are 1 to ${MAX_FREQUENCY} ms`);
  }
}

/** The period that contains a time. Days and hours follow the local clock; other periods count from 1970. */
export function periodOf(frequency: RotateOptions['frequency'], time: number): Period {
  if (frequency === null) return { end: Infinity, label: null };
  if (typeof frequency === 'number') {
    const start = Math.floor(time / frequency) * frequency;
    const date = new Date(start);
    const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join('');
    return { end: start + frequency, label: `${dayOf(date)}-${clock}` };
  }
  const date = new Date(time);
  const day = dayOf(date);
  if (frequency === 'daily') {
    return { end: new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime(), label: day };
  }
  // Counted from the last full hour: when clocks change, an hour may occur twice under the same name.
  const passed = (date.getMinutes() * 60 + date.getSeconds()) * 1000 + date.getMilliseconds();
  return { end: time - passed + HOUR, label: `${day}-${two(date.getHours())}` };
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
