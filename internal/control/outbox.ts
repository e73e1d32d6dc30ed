import type { Send } from './frames.ts';

/**
 * Frames on their way to the other end. The frames of one turn of the event loop travel as one message. Until the system has
 * taken a message, the next frames wait here and not in its buffers, so that their number is known and can be limited.
 *
 *     idle ──push──> scheduled ──turn is over──> sending ──sent──> idle, or sending again
 */
export class Outbox<F> {
  private readonly send: Send<F>;
  private readonly failed: (frame: F, error: unknown) => void;
  private frames: F[] = [];
  /** Frames of `replace` by key: only the last one of a key is sent. */
  private readonly latest = new Map<string, F>();
  private scheduled: NodeJS.Immediate | null = null;
  private sending = 0;
  private closed = false;

  /** @param failed is called for a frame that cannot be cloned */
  constructor(send: Send<F>, failed: (frame: F, error: unknown) => void) {
    this.send = send;
    this.failed = failed;
  }

  /** Number of waiting frames, without those of `replace`. */
  get waiting(): number {
    return this.frames.length;
  }

  /** Sends a frame after all earlier ones. */
  push(frame: F): void {
    if (this.closed) return;
    this.frames.push(frame);
    this.schedule();
  }

  /** Sends a frame. It replaces one with the same key that still waits. */
  replace(key: string, frame: F): void {
    if (this.closed) return;
    this.latest.delete(key);
    this.latest.set(key, frame);
    this.schedule();
  }

  /** Sends all waiting frames now, before anything that the caller sends next. */
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
      // One of the frames cannot be cloned. Sending them singly keeps the others.
      for (const frame of frames) this.sendAlone(frame);
    }
  }

  /** Sends nothing any more. */
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
