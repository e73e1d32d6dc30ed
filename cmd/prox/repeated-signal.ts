/**
 * Milliseconds within which the same signal counts as one. A terminal sends Ctrl-C to every process of its group; npm,
 * which is one of them, passes it on, so prox receives it twice. The same happens with SIGTERM under a service manager
 * that signals all processes.
 */
const SAME_WITHIN = 500;

/** Distinguishes a signal that was sent once but delivered twice from a signal that was sent twice. */
export class RepeatedSignal {
  private readonly now: () => number;
  private signal: NodeJS.Signals | null = null;
  private time = 0;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** Whether this is a second delivery of the signal before. */
  isEcho(signal: NodeJS.Signals): boolean {
    const time = this.now();
    if (signal === this.signal && time - this.time < SAME_WITHIN) return true;
    this.signal = signal;
    this.time = time;
    return false;
  }
}
