import { Deadlines } from '../index.ts';

/** Milliseconds between two ticks of `Deadlines`. */
const STEP_MS = 50;

/** A coarse clock that advances only when a test says so: waits of minutes take no time, and end in order. */
export class HandClock {
  #now = 0;
  readonly deadlines = new Deadlines(() => this.#now);

  /** Advances the clock tick by tick. A deadline fires up to three ticks late, so pass a little more than its time. */
  pass(milliseconds: number): void {
    for (const end = this.#now + milliseconds; this.#now < end;) {
      this.#now += STEP_MS;
      this.deadlines.tick();
    }
  }
}
