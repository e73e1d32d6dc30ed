import type { ProxyError } from '../../base/index.ts';
import { dropTable, type Fields } from '../../message/index.ts';
import { BodyPipeline } from '../body-pipeline.ts';
import type { BodySink, BodySource, BodyStage, StageOwner } from '../body-stage.ts';
import { FlushResult } from '../flush-result.ts';

/** Fills borrowed memory after its bytes were taken. */
const POISON = 0xee;

/**
 * A body on its way through stages, between a source and a sink that are as strict as a session may be. After a flush
 * that returns `taken` the source overwrites the memory. The sink reads bytes that it has not taken only at the end.
 */
export class StagedBody implements BodySink, BodySource, StageOwner {
  /** The error of the stages; null if they have not failed. */
  error: ProxyError | null = null;
  /** The trailers that reached the sink, as lines; null before the end and for none. */
  trailers: string | null = null;
  /** Gives the sink's result of each flush, counted from 0. */
  says: (count: number) => FlushResult = () => FlushResult.taken;
  /** Resolves when the whole body has reached the sink, or has failed. */
  readonly over: Promise<void>;
  readonly violations: string[] = [];
  /** Flushes that reached the sink. */
  flushes = 0;
  private readonly pipeline: BodyPipeline;
  private readonly sent: Buffer[] = [];
  private unsent: Buffer[] = [];
  private finish!: () => void;
  private sinkIsFull = false;
  private ended = false;
  private sourceWaits = false;
  private watchers: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(...stages: readonly BodyStage[]) {
    this.pipeline = new BodyPipeline(stages, this, this);
    this.over = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** The bytes that have reached the sink so far. */
  get received(): Buffer {
    return Buffer.concat([...this.sent, ...this.unsent]);
  }

  /** The whole body has reached the sink, or the body has failed or was closed. */
  get finished(): boolean {
    return this.ended;
  }

  /** The stages have told the source to pause. */
  get paused(): boolean {
    return this.sourceWaits;
  }

  /** The sink has told the stages to pause. */
  get full(): boolean {
    return this.sinkIsFull;
  }

  /** Gives bytes and flushes, as a read does. */
  give(...parts: readonly (Buffer | string)[]): FlushResult {
    const copies = parts.map((part) => Buffer.from(part));
    for (const copy of copies) if (copy.length > 0) this.pipeline.write(copy, 0, copy.length);
    const result = this.pipeline.flush();
    this.settle(result, copies);
    return result;
  }

  /** Gives the last bytes and the end, without a flush between them, as a read that holds both does. */
  giveLast(part: Buffer | string = '', trailers: Fields | null = null): void {
    const copy = Buffer.from(part);
    if (copy.length > 0) this.pipeline.write(copy, 0, copy.length);
    this.settle(this.pipeline.end(trailers), [copy]);
  }

  /** Gives a whole body in the pieces between the cuts, at the pace of the stages. */
  async send(body: Buffer, cuts: readonly number[], trailers: Fields | null = null): Promise<Buffer> {
    const edges = [0, ...cuts, body.length];
    for (let i = 1; i < edges.length - 1; i++) {
      await this.until(() => !this.sourceWaits);
      this.give(body.subarray(edges[i - 1], edges[i]));
    }
    await this.until(() => !this.sourceWaits);
    this.giveLast(body.subarray(edges[edges.length - 2]), trailers);
    await this.over;
    return this.received;
  }

  /** Resolves when the condition holds, or the body is over. Checks the condition after each event. */
  until(holds: () => boolean): Promise<void> {
    if (this.ended || holds()) return Promise.resolve();
    return new Promise((resolve) => this.watchers.push({ holds, resolve }));
  }

  /** The sink has room again. */
  drain(): void {
    this.sinkIsFull = false;
    if (!this.ended) this.pipeline.onDrain();
  }

  /** The exchange is over. */
  close(): void {
    this.ended = true;
    this.pipeline.close();
    this.finish();
  }

  // ── the source and the sink around the stages ────────────────────────────────────────────────────────────────

  write(buffer: Buffer, start: number, end: number): void {
    this.expect(!this.ended, 'write after the end');
    this.expect(!this.sinkIsFull, 'write before onDrain');
    this.expect(start < end && end <= buffer.length, `write of ${start} to ${end} of ${buffer.length} bytes`);
    this.unsent.push(buffer.subarray(start, end));
  }

  flush(): FlushResult {
    this.expect(!this.ended, 'flush after the end');
    const result = this.says(this.flushes++);
    if (result === FlushResult.taken) this.sent.push(...this.unsent.splice(0).map((bytes) => Buffer.from(bytes)));
    this.sinkIsFull = result === FlushResult.full;
    this.moved();
    return result;
  }

  end(trailers: Fields | null): FlushResult {
    this.trailers = trailers === null ? null : trailers.lines(dropTable());
    const result = this.flush();
    this.close();
    this.moved();
    return result;
  }

  onDrain(): void {
    this.expect(this.sourceWaits, 'onDrain without a flush that was full');
    this.sourceWaits = false;
    this.moved();
  }

  guard(action: () => void): void {
    action();
  }

  fail(error: ProxyError): void {
    this.error = error;
    this.close();
    this.moved();
  }

  private settle(result: FlushResult, copies: readonly Buffer[]): void {
    if (result === FlushResult.taken) for (const copy of copies) copy.fill(POISON);
    if (result === FlushResult.full && !this.ended) this.sourceWaits = true;
  }

  private moved(): void {
    for (const watcher of this.watchers.splice(0)) {
      if (this.ended || watcher.holds()) watcher.resolve();
      else this.watchers.push(watcher);
    }
  }

  private expect(condition: boolean, breach: string): void {
    if (condition) return;
    this.violations.push(breach);
    throw new Error(`breach of the contract of body stages: ${breach}`);
  }
}
