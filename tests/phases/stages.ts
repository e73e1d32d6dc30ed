import { ProxyError } from '../../internal/base/index.ts';
import { BodyStage, FlushResult } from '../../internal/exchange/index.ts';
import type { Fields } from '../../internal/message/index.ts';

/** Capital letters, and a `!` at the end: the length changes. */
export class ShoutingStage extends BodyStage {
  closings = 0;

  write(buffer: Buffer, start: number, end: number): void {
    const text = Buffer.from(buffer.toString('latin1', start, end).toUpperCase(), 'latin1');
    this.next.write(text, 0, text.length);
  }

  override end(trailers: Fields | null): FlushResult {
    this.next.write(Buffer.from('!'), 0, 1);
    return this.next.end(trailers);
  }

  override close(): void {
    super.close();
    this.closings++;
  }
}

/** Keeps every byte until the body is complete. */
export class GatheringStage extends BodyStage {
  private readonly parts: Buffer[] = [];

  write(buffer: Buffer, start: number, end: number): void {
    this.parts.push(Buffer.from(buffer.subarray(start, end)));
  }

  override flush(): FlushResult {
    return FlushResult.taken;
  }

  override end(trailers: Fields | null): FlushResult {
    const all = Buffer.concat(this.parts);
    if (all.length > 0) this.next.write(all, 0, all.length);
    return this.next.end(trailers);
  }
}

/** Passes each batch on in a later turn, as a stage in another thread would, and wants no more meanwhile. */
export class SlowStage extends BodyStage {
  /** The most bytes that were held at a time. */
  most = 0;
  private held: Buffer[] = [];
  private waiting = false;
  private ending: { readonly trailers: Fields | null } | null = null;

  write(buffer: Buffer, start: number, end: number): void {
    this.held.push(Buffer.from(buffer.subarray(start, end)));
    this.most = Math.max(
      this.most,
      this.held.reduce((sum, part) => sum + part.length, 0),
    );
  }

  override flush(): FlushResult {
    this.later();
    return FlushResult.full;
  }

  override end(trailers: Fields | null): FlushResult {
    this.ending = { trailers };
    this.later();
    return FlushResult.pending;
  }

  override onDrain(): void {
    this.later();
  }

  private later(): void {
    if (this.waiting) return;
    this.waiting = true;
    setImmediate(() => this.owner.guard(() => this.pass()));
  }

  private pass(): void {
    this.waiting = false;
    if (this.closed) return;
    for (const part of this.held.splice(0)) this.next.write(part, 0, part.length);
    if (this.ending !== null) this.next.end(this.ending.trailers);
    else if (this.next.flush() !== FlushResult.full) this.source.onDrain();
  }
}

/** Passes bytes on until it is told to fail. */
export class FailingStage extends BodyStage {
  write(buffer: Buffer, start: number, end: number): void {
    this.next.write(buffer, start, end);
  }

  /** Fails as a stage does whose library reports an error. */
  breakDown(): void {
    this.owner.guard(() => this.owner.fail(new ProxyError('internal', 'the stage is broken')));
  }
}
