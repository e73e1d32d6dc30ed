/** Limits the cache of Content-Type values. Upstreams use few; one that invents values must not fill the memory. */
const REMEMBERED_VALUES = 256;
const REMEMBERED_LENGTH = 128;

/** A list of media types: single types (`text/html`), all types with a main type (`text/*`) or with a suffix (`+json`). */
export class MediaTypes {
  readonly #exact: ReadonlySet<string>;
  readonly #kinds: ReadonlySet<string>;
  readonly #suffixes: ReadonlySet<string>;
  readonly #remembered = new Map<string, boolean>();

  /** @param patterns in the forms that `isMediaTypePattern` accepts */
  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.endsWith('/*') && !pattern.startsWith('+')));
    this.#kinds = new Set(patterns.filter((pattern) => pattern.endsWith('/*')).map((pattern) => pattern.slice(0, -1)));
    this.#suffixes = new Set(patterns.filter((pattern) => pattern.startsWith('+')));
  }

  /** Whether a value of Content-Type, with or without parameters, is in the list. */
  has(contentType: string): boolean {
    const remembered = this.#remembered.get(contentType);
    if (remembered !== undefined) return remembered;
    const result = this.#find(contentType);
    if (this.#remembered.size === REMEMBERED_VALUES) this.#remembered.clear();
    if (contentType.length <= REMEMBERED_LENGTH) this.#remembered.set(contentType, result);
    return result;
  }

  #find(contentType: string): boolean {
    const type = contentType.split(';', 1)[0].trim().toLowerCase();
    const kind = type.slice(0, type.indexOf('/') + 1);
    return this.#exact.has(type) || this.#kinds.has(kind) || this.#suffixes.has(type.slice(type.lastIndexOf('+')));
  }
}

/** Whether a text is one of the three forms, in lower case. */
export function isMediaTypePattern(text: string): boolean {
  return /^(?:[\w!#$&^.+-]+\/(?:\*|[\w!#$&^.+-]+)|\+[\w!#$&^.-]+)$/.test(text) && text === text.toLowerCase();
}
