import { chooseCodings } from '../message/index.ts';
import type { Coding } from './precompressed.ts';
import type { Representation } from './representation.ts';

/** Longer values of Accept-Encoding are read anew each time: what is remembered has to be small. */
const REMEMBERED_LENGTH = 256;

/** What is known of a file and its compressed siblings since they were last looked at. Kept and counted by FileCache. */
export class CachedFile {
  readonly name: string;
  /** The original first, then the siblings that are there, smallest first. */
  readonly representations: readonly Representation[];
  /** When the last look at the disk began, as `performance.now()`. */
  checkedAt: number;
  /** When it last answered a request, as `performance.now()`. */
  usedAt: number;
  /** Bytes that FileCache counts for it. */
  bytes = 0;
  /** Responses and reads under way that need the memory of its contents. */
  users = 0;
  /** False before it is in the cache, and after. */
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

  /** What to try to send, best first (RFC 9110 §12.5.3); the original is the last. */
  ranked(acceptEncoding: string | null): readonly Representation[] {
    if (acceptEncoding === this.rankedFor || this.codings.length === 0) return this.ranking;
    const ranking = this.rank(acceptEncoding);
    // Nearly all clients of a site send one of two or three values, mostly the same as the one before.
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

/** The same text. What is a part of the head of a request would hold all of the head in memory, for as long as it is kept. */
function textOfItsOwn(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
