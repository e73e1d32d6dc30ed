/**
 * The value of a name that stands in another line, too: both in one list (RFC 9110 §5.3). An empty value behind the comma
 * leaves no white space at the end, as HTTP/2 takes a field with that for malformed (RFC 9113 §8.2.1).
 */
export function joinedValues(before: string, value: string): string {
  return value === '' ? `${before},` : `${before}, ${value}`;
}

/** The same for a line of a field section of HTTP/2. Crumbs of a cookie are joined with semicolons (RFC 9113 §8.2.3). */
export function joinedLines(lowerName: string, before: string, value: string): string {
  if (lowerName !== 'cookie') return joinedValues(before, value);
  return value === '' ? `${before};` : `${before}; ${value}`;
}
