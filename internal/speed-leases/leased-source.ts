import type { ControlLine } from '../control/index.ts';
import { type ByteSource, minSliceOf, quantumOf, type Schedule } from '../throttle/index.ts';
import { SPEED_TOPIC, type SpeedAsk, type SpeedReturn } from './speed-messages.ts';

/** Milliseconds that the supervisor may take to lease bytes. It takes 1 s at most, for the slowest limits. */
const LEASE_PATIENCE = 5000;

/** Milliseconds after which a lease that is not used goes back: longer than a transfer waits for its next read, mostly. */
const IDLE_TIME = 100;

/** A lease that is used up within so many milliseconds is followed by a greater one. */
const SOON = 20;

/** The most that is leased ahead of what transfers want, as a part of the quantum: 6 ms of the rate. */
const AHEAD_PART = 1 / 8;

/** Milliseconds after which a worker that has no supervisor any more takes bytes on its own: the time of a quantum. */
const ALONE_WAIT = 50;

/** What a source of leased bytes works with. */
export interface LeasedSourceOptions {
  /** See SpeedAsk. */
  readonly id: string;
  readonly mbps: number;
  readonly line: ControlLine;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

/**
 * Bytes that the supervisor leases to this worker.
 *
 *     wait ── ask ──> lease ──> used up ──> wait
 *                       └─ not used for a while ──> goes back
 */
export class LeasedSource implements ByteSource {
  readonly quantum: number;
  readonly minSlice: number;
  private readonly options: LeasedSourceOptions;
  private held = 0;
  /** Called when bytes come; null while nothing is waited for. */
  private wake: (() => void) | null = null;
  private asking = false;
  private ahead = 0;
  private leasedAt = Number.NEGATIVE_INFINITY;
  private usedAt = 0;
  private idleTimer: (() => void) | null = null;

  constructor(options: LeasedSourceOptions) {
    this.options = options;
    this.quantum = quantumOf(options.mbps);
    this.minSlice = minSliceOf(options.mbps);
  }

  available(): number {
    return this.held;
  }

  take(bytes: number): number {
    const taken = Math.min(bytes, this.held);
    this.held -= taken;
    if (taken > 0) this.usedAt = this.options.now();
    return taken;
  }

  give(bytes: number): void {
    if (bytes > 0) this.hold(bytes);
  }

  wait(wanted: number, gates: number, wake: () => void): void {
    this.wake = wake;
    if (!this.asking) void this.lease(wanted, gates);
  }

  cancel(): void {
    this.wake = null;
  }

  private async lease(wanted: number, transfers: number): Promise<void> {
    this.asking = true;
    const { id, mbps, line, now } = this.options;
    const soon = now() - this.leasedAt < SOON;
    this.ahead = soon ? Math.min(this.quantum * AHEAD_PART, Math.max(this.minSlice, this.ahead * 2)) : 0;
    const ask: SpeedAsk = { id, mbps, bytes: Math.max(1, Math.ceil(wanted + this.ahead)), transfers };
    try {
      this.leased((await line.ask(SPEED_TOPIC, ask, LEASE_PATIENCE)) as number);
    } catch {
      // Without its supervisor a worker only finishes what it has begun. It does so at the whole rate.
      this.options.schedule(() => this.leased(Math.ceil(this.quantum)), ALONE_WAIT);
    }
  }

  private leased(bytes: number): void {
    this.asking = false;
    this.leasedAt = this.options.now();
    this.hold(bytes);
    const { wake } = this;
    this.wake = null;
    wake?.();
  }

  private hold(bytes: number): void {
    this.held += bytes;
    this.usedAt = this.options.now();
    this.idleTimer ??= this.options.schedule(() => this.giveBackIfIdle(), IDLE_TIME);
  }

  private giveBackIfIdle(): void {
    this.idleTimer = null;
    if (this.held === 0) return;
    const left = this.usedAt + IDLE_TIME - this.options.now();
    if (left > 0) {
      this.idleTimer = this.options.schedule(() => this.giveBackIfIdle(), left);
      return;
    }
    const returned: SpeedReturn = { id: this.options.id, bytes: this.held };
    // Where it cannot be told, the bytes are lost: a few milliseconds of the rate.
    this.options.line.tell(SPEED_TOPIC, returned);
    this.held = 0;
  }
}
