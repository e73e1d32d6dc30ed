/**
 * Joins the values of two lines of a name to one list (RFC 9110 §5.3). Before an empty value the comma has no space, because
 * HTTP/2 treats a field with white space at its end as malformed (RFC 9113 §8.2.1).
 */
export function joinedValues(before: string, value: string): string {
  return value === '' ? `${before},` : `${before}, ${value}`;
}

/** The same for lines of an HTTP/2 field section. Parts of a cookie are joined with semicolons (RFC 9113 §8.2.3). */
export function joinedLines(lowerName: string, before: string, value: string): string {
  if (lowerName !== 'cookie') return joinedValues(before, value);
  return value === '' ? `${before};` : `${before}; ${value}`;
}
