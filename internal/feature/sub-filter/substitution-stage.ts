import { BodyStage, type FlushResult, removeDigests } from '../../exchange/index.ts';
import type { Fields } from '../../message/index.ts';
import { EMPTY, joined, type Replacer } from './replacer.ts';

/** Replaces text in a body. Each rule works on the result of the previous one. */
export class SubstitutionStage extends BodyStage {
  private readonly replacers: readonly Replacer[];

  constructor(replacers: readonly Replacer[]) {
    super();
    this.replacers = replacers;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.pass(this.replacers.reduce((bytes, replacer) => replacer.push(bytes), buffer.subarray(start, end)));
  }

  override end(trailers: Fields | null): FlushResult {
    let rest: Buffer = EMPTY;
    for (const replacer of this.replacers) rest = joined(replacer.push(rest), replacer.end());
    this.pass(rest);
    if (trailers !== null) removeDigests(trailers);
    return this.next.end(trailers);
  }

  private pass(bytes: Buffer): void {
    if (bytes.length > 0) this.next.write(bytes, 0, bytes.length);
  }
}
