import { closest, distance } from 'fastest-levenshtein';

/** The known name that was probably meant, or null when none is near: at most a third of the letters may differ. */
export function nearest(name: string, known: readonly string[]): string | null {
  if (known.length === 0 || name === '' || name.length > 64) return null;
  const lower = name.toLowerCase();
  const candidate =
    known.find((each) => each.toLowerCase() === lower || each.replaceAll('_', '') === lower) ?? closest(name, known);
  const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
  const near =
    distance(name.toLowerCase(), candidate.toLowerCase()) <= allowed || candidate.replaceAll('_', '') === lower;
  return near ? candidate : null;
}

/** `; did you mean \`x\`?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === null ? '' : `; did you mean \`${meant}\`?`;
}

/** Names that a message lists before it only counts the rest. */
const LISTED = 40;

/** As didYouMean, but with the list of known names when none is near. */
export function suggestion(name: string, known: readonly string[], label: string): string {
  const meant = didYouMean(name, known);
  if (meant !== '' || known.length === 0) return meant;
  const listed = known.slice(0, LISTED).map((each) => `\`${each}\``);
  const rest = known.length > LISTED ? ` and ${known.length - LISTED} more` : '';
  return `; ${label}: ${listed.join(', ')}${rest}`;
}
