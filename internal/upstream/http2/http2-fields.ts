import { joinedLines } from '../../message/index.ts';

/**
 * Adds fields to a section of a request: names in lower case (RFC 9113 §8.2), one value a name.
 * @param pairs name, value, name, value …
 */
export function addHttp2Fields(section: Record<string, string>, pairs: readonly string[]): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i].toLowerCase();
    const before = section[name];
    section[name] = before === undefined ? pairs[i + 1] : joinedLines(name, before, pairs[i + 1]);
  }
}
