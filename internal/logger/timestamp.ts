/** `000` to `999`. Formatting them for every record would cost more than the rest of a time stamp. */
export const THREE_DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));

/** The range of `Date`: milliseconds on either side of 1970 (ECMA-262 §21.4.1.1). */
const MAX_TIME = 8.64e15;

/**
 * Formats times as ISO 8601 in UTC with milliseconds, such as `2026-03-01T12:00:00.250Z`, between two constant texts.
 * It keeps the text of the last second and of the last millisecond, because records come in the order of time and
 * formatting a Date costs nearly a microsecond.
 */
export class IsoClock {
  readonly #before: string;
  readonly #after: string;
  /** First millisecond of the second for which `#prefix` was made. */
  #second = NaN;
  #prefix = '';
  #time = NaN;
  #text = '';

  /**
   * @param before Text before every time stamp.
   * @param after Text after every time stamp; it should contain the `Z`.
   */
  constructor(before = '', after = 'Z') {
    this.#before = before;
    this.#after = after;
  }

  /**
   * @param time Milliseconds since 1970; fractions are cut off. An invalid time is formatted as 1970, because a log
   * line with a wrong time is better than none.
   */
  format(time: number): string {
    if (time === this.#time) return this.#text;
    let rest = Math.floor(time - this.#second);
    if (!(rest >= 0 && rest < 1000)) {
      const valid = time >= -MAX_TIME && time <= MAX_TIME ? time : 0;
      this.#second = Math.floor(valid / 1000) * 1000;
      this.#prefix = this.#before + new Date(this.#second).toISOString().slice(0, -4);
      rest = Math.floor(valid - this.#second);
    }
    this.#time = time;
    this.#text = this.#prefix + THREE_DIGITS[rest] + this.#after;
    return this.#text;
  }
}
