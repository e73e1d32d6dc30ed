/** HTTP-date (RFC 9110 §5.6.7). Times are milliseconds since 1970, always whole seconds. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)';
const MONTH = `(${MONTHS.join('|')})`;
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';

const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
const RFC850_DATE = new RegExp(`^${LONG_DAY}, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`);
const ASCTIME_DATE = new RegExp(`^${DAY} ${MONTH} (\\d\\d| \\d) ${TIME} (\\d{4})$`);

/** The preferred form, IMF-fixdate. Fractions of a second are left out. */
export function formatHttpDate(time: number): string {
  return new Date(time).toUTCString();
}

/**
 * Reads any of the three forms that a recipient has to accept; null for anything else.
 * @param now decides the century of a year of two digits: it lies at most 50 years ahead
 */
export function parseHttpDate(text: string, now: number): number | null {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) return timeOf(Number(imf[3]), imf[2], imf[1], imf.slice(4));
  const rfc850 = RFC850_DATE.exec(text);
  if (rfc850 !== null) return timeOf(fullYear(Number(rfc850[3]), now), rfc850[2], rfc850[1], rfc850.slice(4));
  const asctime = ASCTIME_DATE.exec(text);
  if (asctime !== null) return timeOf(Number(asctime[6]), asctime[1], asctime[2], asctime.slice(3, 6));
  return null;
}

/** The latest year that ends with these digits and lies at most 50 years ahead. */
function fullYear(twoDigits: number, now: number): number {
  const latest = new Date(now).getUTCFullYear() + 50;
  return latest - ((latest - twoDigits) % 100);
}

/** Null when there is no such time. The second 60 is a leap second and counts as the next minute's first. */
function timeOf(year: number, month: string, day: string, [hour, minute, second]: string[]): number | null {
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  // setUTCFullYear, as Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.indexOf(month), Number(day));
  if (date.getUTCDate() !== Number(day)) return null;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

let second = 0;
let text = '';

/** The current time as the Date field wants it (IMF-fixdate), made once a second. */
export function currentHttpDate(): string {
  const now = Date.now();
  if (now - second >= 1000) {
    second = now - (now % 1000);
    text = formatHttpDate(now);
  }
  return text;
}
