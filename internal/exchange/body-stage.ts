import type { ProxyError } from '../base/index.ts';
import type { Fields } from '../message/index.ts';
import type { FlushResult } from './flush-result.ts';

/** Takes the bytes of a body in order. */
export interface BodySink {
  /** Takes bytes. They are borrowed under the rule of `Exchange.write`: until `flush` has returned `taken`. */
  write(buffer: Buffer, start: number, end: number): void;
  /** Passes on the bytes that were given since the last flush. */
  flush(): FlushResult;
  /** The body is complete. Flushes. Nothing else is called afterwards. */
  end(trailers: Fields | null): FlushResult;
}

/** Gives a stage its bytes, and waits when the stage has no room. */
export interface BodySource {
  /** There is room again after a flush that returned `full`. */
  onDrain(): void;
}

/** The exchange whose body goes through a stage. */
export interface StageOwner {
  /** Runs an action that a timer, a thread or another process has caused. An error that it throws ends this exchange alone. */
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
 * - A stage that cannot take more returns `full` from `flush`. It calls `source.onDrain` when it has room again.
 * - A stage that keeps bytes after `flush` copies them, or returns `pending` or `full`: then the bytes belong to the stage.
 * - `end` may return `pending` and reach `next` later.
 * - A callback that runs in a later turn goes through `owner.guard`, and checks `closed` first.
 */
export abstract class BodyStage implements BodySink {
  protected next!: BodySink;
  protected source!: BodySource;
  protected owner!: StageOwner;
  /** The exchange is over: the stage may pass nothing on any more. */
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

  /** The next stage or the sink has room again. */
  onDrain(): void {
    this.source.onDrain();
  }

  /** The exchange is over, complete or not. Frees what the stage holds. */
  close(): void {
    this.closed = true;
  }
}
