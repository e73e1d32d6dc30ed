import type { ControlLine } from '../control/index.ts';
import { type Schedule, Throttle } from '../throttle/index.ts';
import { LeasedSource } from './leased-source.ts';

const schedule: Schedule = (fn, ms) => {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
};

/**
 * The shared speed limits of a worker. A limit is one throttle as long as anything uses it, so that transfers of several
 * generations wait in one queue.
 */
export class SharedSpeeds {
  private readonly line: ControlLine;
  private readonly throttles = new Map<string, WeakRef<Throttle>>();

  constructor(line: ControlLine) {
    this.line = line;
  }

  /**
   * The throttle of a limit.
   * @param name of what is limited; the same name and rate are one limit for the daemon
   * @param mbps megabits (10^6 bits) per second
   */
  get(name: string, mbps: number): Throttle {
    const id = `${name} ${mbps}`;
    const known = this.throttles.get(id)?.deref();
    if (known !== undefined) return known;
    for (const [other, ref] of this.throttles) if (ref.deref() === undefined) this.throttles.delete(other);
    const now = (): number => performance.now();
    const throttle = new Throttle(new LeasedSource({ id, mbps, line: this.line, now, schedule }));
    this.throttles.set(id, new WeakRef(throttle));
    return throttle;
  }
}
