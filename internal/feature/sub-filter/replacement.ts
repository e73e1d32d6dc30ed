/** Bytes, or the number of the group whose match is inserted. */
export type ReplacementPart = Buffer | number;

/**
 * Reads the replacement of a regular expression: `$1` and `${1}` stand for groups, `$0` for the whole match, `${name}` for a
 * named group, `$$` for a dollar sign. Any other `$` is itself.
 * @param groups how many groups the pattern has
 * @param names the numbers of named groups
 * @throws RangeError for a group that does not exist
 */
export function parseReplacement(
  text: string,
  groups: number,
  names: Readonly<Record<string, number>>,
): readonly ReplacementPart[] {
  const parts: ReplacementPart[] = [];
  let literal = '';
  let last = 0;
  for (const match of text.matchAll(/\$(?:(\$)|(\d+)|\{(\w+)\})/g)) {
    literal += text.slice(last, match.index);
    last = match.index + match[0].length;
    if (match[1] !== undefined) {
      literal += '$';
      continue;
    }
    const group = groupOf(match[2] ?? match[3], groups, names);
    if (group === null) throw new RangeError(`there is no group for ${JSON.stringify(match[0])} in the pattern`);
    if (literal !== '') parts.push(Buffer.from(literal));
    literal = '';
    parts.push(group);
  }
  literal += text.slice(last);
  if (literal !== '') parts.push(Buffer.from(literal));
  return parts;
}

function groupOf(name: string, groups: number, names: Readonly<Record<string, number>>): number | null {
  if (/^\d+$/.test(name)) return Number(name) <= groups ? Number(name) : null;
  return Object.hasOwn(names, name) ? names[name] : null;
}
