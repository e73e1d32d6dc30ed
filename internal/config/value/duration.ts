import { describeValue, InvalidValue, quote } from './invalid-value.ts';

/** Milliseconds of each unit that Go's time.ParseDuration knows; both code points for micro. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const TERM = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/** A hundred years. Anything longer is a slip of the keyboard, and would not fit into exact milliseconds for long. */
const MAX_MS = 100 * 365 * 24 * 3_600_000;

/**
 * 24 days. A timer of Node holds 24.8, and fires at once when it is given more; the difference is room for what is added
 * to a duration, such as the patience with a worker that should have ended by then.
 */
const LONGEST_MS = 24 * 24 * 3_600_000;

const ALLOWED = 'a duration such as "30s", "1m30s", "250ms" or "1.5h", or a number of seconds';

/**
 * Milliseconds of a duration: a Go-style string (`1m30s`, `1.5h`, `100us`), or a number of seconds. Rounded up to whole
 * milliseconds, so that a short wait never becomes 0, which often means "no limit". A longer one
 * than LONGEST_MS is LONGEST_MS, so that each can be given to a timer.
 *
 * @throws InvalidValue
 */
export function parseDuration(value: string | number): number {
  const ms = typeof value === 'number' ? value * 1000 : parseText(value);
  if (ms < 0) throw new InvalidValue(`expected ${ALLOWED}, found ${describeValue(value)}: it must not be negative`);
  if (ms > MAX_MS) throw new InvalidValue(`expected a duration of at most 876000h, found ${describeValue(value)}`);
  // 1.1 * 1000 is a little over 1100: what is within a nanosecond of a whole number is that number.
  return Math.min(Math.ceil(Number(ms.toFixed(6))), LONGEST_MS);
}

function parseText(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0;
  let total = 0;
  TERM.lastIndex = 0;
  for (let at = 0; at < body.length; at = TERM.lastIndex) {
    const match = TERM.exec(body);
    if (match === null) throw new InvalidValue(`expected ${ALLOWED}, found ${quote(text)}${unitHint(body)}`);
    total += Number(match[1]) * UNITS[match[2]];
  }
  if (body === '') throw new InvalidValue(`expected ${ALLOWED}, found ${quote(text)}`);
  return sign * total;
}

function unitHint(body: string): string {
  if (/^\d+(\.\d+)?$/.test(body)) return ': the unit is missing (write it without quotes for seconds)';
  return /\d\s*(d|w|y|day|days)$/.test(body) ? ': the units are ns, us, ms, s, m, h' : '';
}
