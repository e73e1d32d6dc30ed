/**
 * Milliseconds in which a signal that comes again is the same one. A terminal sends Ctrl-C to every process of its
 * group, npm among them, which passes it on: prox gets it twice. A service manager that signals all processes does the
 * same with SIGTERM.
 */
const SAME_WITHIN = 500;

/** Tells a signal that was sent once and came twice from one that was sent again. */
export class RepeatedSignal {
  private readonly now: () => number;
  private signal: NodeJS.Signals | null = null;
  private time = 0;

  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** Whether this signal is the one before, come once more. */
  isEcho(signal: NodeJS.Signals): boolean {
    const time = this.now();
    if (signal === this.signal && time - this.time < SAME_WITHIN) return true;
    this.signal = signal;
    this.time = time;
    return false;
  }
}
