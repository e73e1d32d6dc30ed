/** The part of pino-roll that prox uses; the package brings no types. */
declare module 'pino-roll' {
  import type { pino } from 'pino';

  interface RollOptions {
    /** Path without date, number and extension. */
    readonly file: string;
    /** Megabytes as a number, or with a unit: `b`, `k`, `m`, `g`. */
    readonly size?: string;
    readonly frequency?: 'daily' | 'hourly' | number;
    /** Pattern of date-fns. */
    readonly dateFormat?: string;
    /** Options of SonicBoom. */
    readonly mode?: number;
    readonly contentMode?: 'buffer' | 'utf8';
  }

  /** Rejects when the options are no good; opens the file after that, which ends with `ready` or `error`. */
  export default function roll(options: RollOptions): Promise<ReturnType<typeof pino.destination>>;
}
