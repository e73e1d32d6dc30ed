import type { Deadline, Deadlines } from '../base/index.ts';

/** Milliseconds of a period: long enough to even out the bursts in which a slow line delivers. */
export const PERIOD_MS = 5000;

/** The request whose body is measured. */
export interface MeasuredRequest {
  /** Bytes of the request so far. The exchange counts them anyway, so min_rate adds no work to a read. */
  readonly bytesIn: number;
}

/**
 * min_rate: measures in periods how fast the body of a request comes. The first period does not count, so that the client
 * can start. The clock stands still while prox itself holds the body back.
 *
 *     ended ──await──> grace ──period over──> measured ──period over, enough has come──> measured
 *       ↑                │                       └──period over, less has come──> onTooSlow
 *       └─────end────────┴── in any state; hold stops the clock of a period, await starts it again
 */
export class BodyRate {
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly request: MeasuredRequest;
  private readonly onTooSlow: () => void;
  /** Bytes that have to come in a period. */
  private readonly enough: number;
  private grace = true;
  private awaited = false;
  /** Milliseconds that were left of the period at `since`. */
  private left = PERIOD_MS;
  /** When `await` was called, on the coarse clock. */
  private since = 0;
  /** Bytes when the period began. */
  private before = 0;
  private judgement: NodeJS.Immediate | null = null;

  /** @param minRate bytes a second */
  constructor(minRate: number, deadlines: Deadlines, request: MeasuredRequest, onTooSlow: () => void) {
    this.enough = (minRate * PERIOD_MS) / 1000;
    this.deadlines = deadlines;
    this.request = request;
    this.onTooSlow = onTooSlow;
    this.deadline = deadlines.create(() => this.periodOver());
  }

  /** prox waits for bytes of the body from now on. */
  await(): void {
    if (this.awaited) return;
    this.awaited = true;
    this.goOn();
  }

  /** prox takes no bytes for now. */
  hold(): void {
    if (!this.awaited) return;
    this.awaited = false;
    this.left = Math.max(1, this.left - (this.deadlines.now - this.since));
    this.deadlines.clear(this.deadline);
  }

  /** The body is complete, or nothing more of it is measured. The next `await` begins another one. */
  end(): void {
    this.deadlines.remove(this.deadline);
    if (this.judgement !== null) clearImmediate(this.judgement);
    this.judgement = null;
    this.awaited = false;
    this.grace = true;
    this.left = PERIOD_MS;
  }

  private goOn(): void {
    this.deadlines.set(this.deadline, this.left);
    // After `set`, which starts a clock that has stopped.
    this.since = this.deadlines.now;
  }

  private periodOver(): void {
    // The event loop runs timers before reads. Bytes that came while the process was busy are read first.
    this.judgement = setImmediate(() => this.judge());
  }

  private judge(): void {
    this.judgement = null;
    const { bytesIn } = this.request;
    if (!this.grace && bytesIn - this.before < this.enough) return this.onTooSlow();
    this.grace = false;
    this.before = bytesIn;
    this.left = PERIOD_MS;
    if (this.awaited) this.goOn();
  }
}
