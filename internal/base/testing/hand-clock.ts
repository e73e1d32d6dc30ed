import { Deadlines } from '../index.ts';

/** The step of the coarse clock: `Deadlines` looks once in so many milliseconds. */
const STEP_MS = 50;

/** A coarse clock that stands still until a test moves it on: waits of minutes take no time, and end in order. */
export class HandClock {
  #now = 0;
  readonly deadlines = new Deadlines(() => this.#now);

  /** Moves the clock on, tick by tick. A deadline fires up to three ticks late, so pass some more than that. */
  pass(milliseconds: number): void {
    for (const end = this.#now + milliseconds; this.#now < end;) {
      this.#now += STEP_MS;
      this.deadlines.tick();
    }
  }
}
