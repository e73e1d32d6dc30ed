import { BodyStage, type FlushResult, removeDigests } from '../../exchange/index.ts';
import type { Fields } from '../../message/index.ts';
import { allOf, EMPTY, joined, type Replacer } from './replacer.ts';

/**
 * A body in which text is replaced: each rule works on what the one before it has made. A batch is searched as a whole, as
 * a search costs much more than the bytes of a small piece.
 */
export class SubstitutionStage extends BodyStage {
  private readonly replacers: readonly Replacer[];
  /** Given since the last flush; borrowed. */
  private given: Buffer[] = [];

  constructor(replacers: readonly Replacer[]) {
    super();
    this.replacers = replacers;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.given.push(buffer.subarray(start, end));
  }

  override flush(): FlushResult {
    this.replace();
    return this.next.flush();
  }

  override end(trailers: Fields | null): FlushResult {
    this.replace();
    let rest: Buffer = EMPTY;
    for (const replacer of this.replacers) rest = joined(replacer.push(rest), replacer.end());
    this.pass(rest);
    if (trailers !== null) removeDigests(trailers);
    return this.next.end(trailers);
  }

  override close(): void {
    super.close();
    this.given = [];
  }

  private replace(): void {
    if (this.given.length === 0) return;
    const batch = allOf(this.given);
    this.given = [];
    this.pass(this.replacers.reduce((bytes, replacer) => replacer.push(bytes), batch));
  }

  private pass(bytes: Buffer): void {
    if (bytes.length > 0) this.next.write(bytes, 0, bytes.length);
  }
}
