import type { ProxyError } from '../base/index.ts';
import type { Fields } from '../message/index.ts';
import type { FlushResult } from './flush-result.ts';

/** Takes the bytes of a body in order. */
export interface BodySink {
  /** Takes bytes. They are borrowed as those of `Exchange.write`: until `flush` has returned `taken`. */
  write(buffer: Buffer, start: number, end: number): void;
  /** Sends on what was given since the last flush. */
  flush(): FlushResult;
  /** The body is complete. Flushes. Nothing else is called afterwards. */
  end(trailers: Fields | null): FlushResult;
}

/** Waits for room: what stands before a stage. */
export interface BodySource {
  /** There is room again after a flush that returned `full`. */
  onDrain(): void;
}

/** Whose body goes through a stage. */
export interface StageOwner {
  /** Runs what a timer, a thread or another process has brought: what it throws costs this exchange alone. */
  guard(action: () => void): void;
  /** The body cannot be completed. */
  fail(error: ProxyError): void;
}

/**
 * One step that a body goes through, with backpressure in both directions. It may hold bytes back and pass them on later.
 *
 *     source ──write, flush, end──> stage ──write, flush, end──> next
 *     source <──────onDrain──────── stage <──────onDrain──────── next
 *
 * - What it holds back it says by returning `full` from `flush`, until it has called `source.onDrain`.
 * - It copies the bytes that it keeps after `flush`, or returns `pending` or `full`: then they are its own.
 * - `end` may return `pending` and reach `next` later.
 * - Work that comes back later goes through `owner.guard`, and looks at `closed` first.
 */
export abstract class BodyStage implements BodySink {
  protected next!: BodySink;
  protected source!: BodySource;
  protected owner!: StageOwner;
  /** The exchange is over: nothing may be passed on any more. */
  protected closed = false;

  /** @internal Puts the stage into its place. */
  connect(next: BodySink, source: BodySource, owner: StageOwner): void {
    this.next = next;
    this.source = source;
    this.owner = owner;
  }

  abstract write(buffer: Buffer, start: number, end: number): void;

  flush(): FlushResult {
    return this.next.flush();
  }

  end(trailers: Fields | null): FlushResult {
    return this.next.end(trailers);
  }

  /** What stands behind has room again. */
  onDrain(): void {
    this.source.onDrain();
  }

  /** The exchange is over, complete or not. Frees what the stage holds. */
  close(): void {
    this.closed = true;
  }
}
