/** When to begin a new file, and how many to keep. At least one of frequency and size is set. */
export interface RotateOptions {
  /** `daily`, `hourly` (local time), or milliseconds. */
  readonly frequency: 'daily' | 'hourly' | number | null;
  /** Bytes; a file ends with the first batch that reaches them. */
  readonly size: number | null;
  /** Rotated files to keep beside the current one; null keeps all. */
  readonly keep: number | null;
}

/** The time that one file covers. */
export interface Period {
  /** Milliseconds since 1970, when the next one begins; Infinity without a frequency. */
  readonly end: number;
  /** Its beginning in local time, as it stands in the name of a rotated file; null without a frequency. */
  readonly label: string | null;
}

/** Longer than what a config takes, and a date of every length can still be made of the sum. */
const MAX_FREQUENCY = 2 ** 31 - 1;

const HOUR = 3_600_000;

/** @throws Error when the frequency is out of range */
export function checkFrequency(frequency: RotateOptions['frequency']): void {
  if (typeof frequency === 'number' && !(frequency > 0 && frequency <= MAX_FREQUENCY)) {
    throw new Error(`a rotation frequency of ${frequency} ms is out of range; allowed are 1 to ${MAX_FREQUENCY} ms`);
  }
}

/** The period that a time lies in. Days and hours are those of the local clock, others are counted from 1970. */
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
  // Counted from the last full hour, as an hour that the clock goes through twice has one name and two lengths.
  const passed = (date.getMinutes() * 60 + date.getSeconds()) * 1000 + date.getMilliseconds();
  return { end: time - passed + HOUR, label: `${day}-${two(date.getHours())}` };
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
