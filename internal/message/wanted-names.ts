/** A name to look for, and its place among the others. */
interface WantedName {
  readonly lower: string;
  /** Its last letter in lower case: with the bit 0x20 set. */
  readonly lastCode: number;
  readonly index: number;
}

/**
 * Field names to find together, in one walk over the fields of a message (`Fields.listsOf`). Length and last letter rule out
 * most other names without a comparison of the whole name.
 */
export class WantedNames {
  readonly size: number;
  readonly #byLength: (readonly WantedName[])[] = [];

  /** @param names in lower case */
  constructor(names: readonly string[]) {
    this.size = names.length;
    names.forEach((lower, index) => {
      const wanted = { lower, lastCode: lower.charCodeAt(lower.length - 1) | 0x20, index };
      this.#byLength[lower.length] = [...(this.#byLength[lower.length] ?? []), wanted];
    });
  }

  /** The index of the name between two positions of a text, compared without case; -1 if it is not among these names. */
  indexAt(text: string, start: number, end: number): number {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return -1;
    const lastCode = text.charCodeAt(end - 1) | 0x20;
    for (const candidate of candidates) {
      if (candidate.lastCode === lastCode && text.slice(start, end).toLowerCase() === candidate.lower)
        return candidate.index;
    }
    return -1;
  }
}
