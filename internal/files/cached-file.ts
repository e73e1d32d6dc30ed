import { chooseCodings } from '../message/index.ts';
import type { Coding } from './precompressed.ts';
import type { Representation } from './representation.ts';

/** Longer values of Accept-Encoding are parsed each time, so that the remembered values stay small. */
const REMEMBERED_LENGTH = 256;

/** The state of a file and its compressed siblings at the last check of the disk. FileCache keeps and counts it. */
export class CachedFile {
  readonly name: string;
  /** The original first, then the existing siblings, the smallest first. */
  readonly representations: readonly Representation[];
  /** Start of the last check of the disk, by `performance.now()`. */
  checkedAt: number;
  /** Time of the last answer, by `performance.now()`. */
  usedAt: number;
  /** Bytes that FileCache counts for it. */
  bytes = 0;
  /** Number of current responses and reads that need the memory of its contents. */
  users = 0;
  /** Whether it is in the cache. */
  cached = false;
  newer: CachedFile | null = null;
  older: CachedFile | null = null;
  private readonly codings: readonly Coding[];
  private rankedFor: string | null = null;
  private ranking: readonly Representation[];

  constructor(name: string, representations: readonly Representation[], checkedAt: number) {
    this.name = textOfItsOwn(name);
    this.representations = representations;
    this.checkedAt = checkedAt;
    this.usedAt = checkedAt;
    this.codings = representations.flatMap(({ coding }) => (coding === null ? [] : [coding]));
    this.ranking = representations.slice(0, 1);
  }

  /** The representations to try, the best first (RFC 9110 §12.5.3); the original is the last. */
  ranked(acceptEncoding: string | null): readonly Representation[] {
    if (acceptEncoding === this.rankedFor || this.codings.length === 0) return this.ranking;
    const ranking = this.rank(acceptEncoding);
    // Nearly all clients of a site send one of two or three values, mostly the same as the client before.
    if (acceptEncoding !== null && acceptEncoding.length <= REMEMBERED_LENGTH) {
      this.rankedFor = textOfItsOwn(acceptEncoding);
      this.ranking = ranking;
    }
    return ranking;
  }

  private rank(acceptEncoding: string | null): readonly Representation[] {
    const chosen = chooseCodings(acceptEncoding, this.codings);
    const siblings = chosen.flatMap((coding) => this.representations.filter((one) => one.coding === coding));
    return [...siblings, this.representations[0]];
  }
}

/** Returns a copy of the text. A substring of the head of a request would keep the whole head in memory. */
function textOfItsOwn(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
