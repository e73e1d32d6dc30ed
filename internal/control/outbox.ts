import type { Send } from './frames.ts';

/**
 * Frames on their way to the other end. Those of one turn of the event loop travel as one message, and while the system has
 * not taken a message, the next frames wait here and not in its buffers: so their number can be seen and bounded.
 *
 *     idle ──push──> scheduled ──turn is over──> sending ──sent──> idle, or sending again
 */
export class Outbox<F> {
  private readonly send: Send<F>;
  private readonly failed: (frame: F, error: unknown) => void;
  private frames: F[] = [];
  /** Frames of which only the last one with the same key matters. */
  private readonly latest = new Map<string, F>();
  private scheduled: NodeJS.Immediate | null = null;
  private sending = 0;
  private closed = false;

  /** @param failed is told of frames that cannot be cloned */
  constructor(send: Send<F>, failed: (frame: F, error: unknown) => void) {
    this.send = send;
    this.failed = failed;
  }

  /** Frames that wait, without those of `replace`. */
  get waiting(): number {
    return this.frames.length;
  }

  /** Sends a frame behind those before it. */
  push(frame: F): void {
    if (this.closed) return;
    this.frames.push(frame);
    this.schedule();
  }

  /** Sends a frame in the place of the one with the same key, if that still waits. */
  replace(key: string, frame: F): void {
    if (this.closed) return;
    this.latest.delete(key);
    this.latest.set(key, frame);
    this.schedule();
  }

  /** Sends what waits now, so that it comes before what the caller sends next. */
  flush(): void {
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    this.scheduled = null;
    if (this.closed || (this.frames.length === 0 && this.latest.size === 0)) return;
    const frames = [...this.latest.values(), ...this.frames];
    this.latest.clear();
    this.frames = [];
    try {
      this.sendBatch(frames);
    } catch {
      // One of them cannot be cloned; the others are not to be lost with it.
      for (const frame of frames) this.sendAlone(frame);
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    this.closed = true;
    this.frames = [];
    this.latest.clear();
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    this.scheduled = null;
  }

  private schedule(): void {
    if (this.scheduled === null && this.sending === 0) this.scheduled = setImmediate(() => this.flush());
  }

  private sendAlone(frame: F): void {
    try {
      this.sendBatch([frame]);
    } catch (error) {
      this.failed(frame, error);
    }
  }

  private sendBatch(frames: readonly F[]): void {
    this.send(frames, () => {
      this.sending--;
      if (this.sending === 0) this.flush();
    });
    this.sending++;
  }
}
