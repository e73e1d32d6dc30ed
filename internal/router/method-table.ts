/** No route. It is greater than every route index, so that "the lowest wins" needs no special case. */
export const NO_ROUTE = Number.MAX_SAFE_INTEGER;

/**
 * The routes with the same domain and path, by method. Routes are added in the order of the config, so the first one
 * for a method stays, and later ones that it hides are not kept.
 */
export class MethodTable {
  /** The lowest index in the table. */
  first = NO_ROUTE;
  /** The first route for all methods. */
  #all = NO_ROUTE;
  /** Contains only routes that come before #all. */
  #byMethod: Map<string, number> | null = null;

  /** Adds a route. `methods` is empty for all methods. Indexes must be added in rising order. */
  add(index: number, methods: readonly string[]): void {
    if (this.#all !== NO_ROUTE) return;
    if (this.first === NO_ROUTE) this.first = index;
    if (methods.length === 0) {
      this.#all = index;
      return;
    }
    this.#byMethod ??= new Map();
    for (const method of methods) if (!this.#byMethod.has(method)) this.#byMethod.set(method, index);
  }

  /**
   * Returns the lower one of `best` and the first route of the table for the method (case-sensitive, RFC 9110 §9.1).
   */
  find(method: string, best: number): number {
    let found = this.#all;
    if (this.#byMethod !== null) found = this.#byMethod.get(method) ?? found;
    return found < best ? found : best;
  }
}
