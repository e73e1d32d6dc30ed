/** How many failures lines of the console or the error log stand for: one each, or as many as they have counted. */
export function failuresIn(lines: readonly Readonly<Record<string, unknown>>[]): number {
  return lines.reduce((sum, { failures = 1 }) => sum + Number(failures), 0);
}
