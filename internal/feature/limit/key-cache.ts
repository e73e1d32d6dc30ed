/**
 * A bounded cache of the keys that were used last. It has a young and an old map. A key that is found in the old map moves to
 * the young one. When the young map is full, it replaces the old one, whose entries are dropped. So the lookup of a key that
 * is used often is one lookup in one map, and moves nothing.
 */
export class KeyCache<T> {
  private readonly half: number;
  private readonly make: (key: string) => T;
  private young = new Map<string, T>();
  private old = new Map<string, T>();

  /**
   * @param size maximum of entries, 2 or more; at least half as many of the last used ones are kept
   * @param make makes the entry of a new key
   */
  constructor(size: number, make: (key: string) => T) {
    this.half = size >> 1;
    this.make = make;
  }

  /** Number of entries. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): T {
    return this.young.get(key) ?? this.keep(key);
  }

  private keep(key: string): T {
    const entry = this.old.get(key) ?? this.make(key);
    this.old.delete(key);
    if (this.young.size >= this.half) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, entry);
    return entry;
  }
}
