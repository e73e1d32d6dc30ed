import { chooseCodings, type NamedCoding } from '../../message/index.ts';

/** Limits the cache of Accept-Encoding values. Browsers send few; a client that invents values must not fill the memory. */
const REMEMBERED_VALUES = 64;
const REMEMBERED_LENGTH = 128;

/** Chooses one of the available codings for each client. */
export class CodingChoice<T extends NamedCoding> {
  readonly #available: readonly T[];
  readonly #remembered = new Map<string, T | null>();

  /** @param available in the order of preference among codings with equal weights */
  constructor(available: readonly T[]) {
    this.#available = available;
  }

  /** The coding for a value of Accept-Encoding; null for none. */
  of(acceptEncoding: string | null): T | null {
    if (acceptEncoding === null) return null;
    const remembered = this.#remembered.get(acceptEncoding);
    if (remembered !== undefined) return remembered;
    const choice = chooseCodings(acceptEncoding, this.#available)[0] ?? null;
    if (this.#remembered.size === REMEMBERED_VALUES) this.#remembered.clear();
    if (acceptEncoding.length <= REMEMBERED_LENGTH) this.#remembered.set(acceptEncoding, choice);
    return choice;
  }
}
