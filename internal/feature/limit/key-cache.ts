/**
 * The entries of the keys that were used last, bounded. Two maps by age: a key that is found in the old one moves to the young
 * one; when that is full, it becomes the old one, whose entries are forgotten. So a look at a key that is used often is one
 * look into a map, and nothing is moved.
 */
export class KeyCache<T> {
  private readonly half: number;
  private readonly make: (key: string) => T;
  private young = new Map<string, T>();
  private old = new Map<string, T>();

  /**
   * @param size how many entries are kept at least half of and at most, 2 or more
   * @param make the entry of a key that is not known
   */
  constructor(size: number, make: (key: string) => T) {
    this.half = size >> 1;
    this.make = make;
  }

  /** Entries that are kept. */
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
