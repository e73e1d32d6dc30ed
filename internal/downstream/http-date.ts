let second = 0;
let text = '';

/** The current time as Date wants it (IMF-fixdate, RFC 9110 §5.6.7), made once a second. */
export function httpDate(): string {
  const now = Date.now();
  if (now - second >= 1000) {
    second = now - (now % 1000);
    text = new Date(now).toUTCString();
  }
  return text;
}
