/**
 * Deadlines on a coarse clock.
 *
 * A proxy sets a deadline for every head, every stall and every idle connection, and nearly none of them comes due.
 * A timer for each would cost more than the request. So one interval advances a coarse clock by TICK_MS and looks at
 * one slot of a wheel; a deadline that is only moved later writes a number, nothing else: it is found too early in
 * its old slot and put where it belongs by then.
 *
 *     slot:   0    1    2   ...   n-1
 *             |    |    |
 *             a    -    b <-> c          each slot is a ring of deadlines, doubly linked
 *
 * As the clock is coarse, a deadline fires up to three ticks late, and never early.
 */

/** Milliseconds between two looks at the clock. */
const TICK_MS = 50;

/** Slots of the wheel. A deadline beyond TICK_MS * SLOTS waits in the farthest slot and is looked at once a turn. */
const SLOTS = 512;

/** Ends the wait of one owner for one thing at a time. Made by `Deadlines.create`. */
export class Deadline {
  /** Milliseconds on the coarse clock; 0 while nothing is awaited. */
  at = 0;
  /** @internal The slot that this deadline is linked into, -1 for none. */
  slot = -1;
  /** @internal The time that it was linked for: it is looked at no later. */
  linkedFor = 0;
  /** @internal */
  previous: Deadline | null = null;
  /** @internal */
  next: Deadline | null = null;
  /** @internal Called when the deadline has passed; it is cleared by then. */
  readonly expire: () => void;

  constructor(expire: () => void) {
    this.expire = expire;
  }
}

/** The coarse clock and every deadline on it. One instance serves a process. */
export class Deadlines {
  /** Milliseconds since the clock was made, as of the last tick. */
  now = 0;
  #slots: (Deadline | null)[] = Array.from({ length: SLOTS }, () => null);
  #cursor = 0;
  #origin: number;
  #clock: () => number;
  #timer: NodeJS.Timeout | null = null;
  #linked = 0;

  /** @param clock milliseconds of a monotonic clock; a test may bring its own and call `tick` itself. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#origin = clock();
  }

  /** The clock of `now` as it stands this moment, for what a tick is too coarse for. */
  read(): number {
    return this.#clock() - this.#origin;
  }

  /** Makes a deadline that is not set yet. `expire` must not throw. */
  create(expire: () => void): Deadline {
    return new Deadline(expire);
  }

  /** Sets the deadline `milliseconds` from now; 0 or less clears it, as "no limit" is written in the config. */
  set(deadline: Deadline, milliseconds: number): void {
    if (milliseconds <= 0) {
      deadline.at = 0;
      return;
    }
    if (this.#timer === null) this.#start();
    const at = this.now + milliseconds + TICK_MS;
    deadline.at = at;
    // Moving later needs no relinking: the old slot is reached first, and tick() moves the deadline on from there.
    if (deadline.slot >= 0) {
      if (at >= deadline.linkedFor) return;
      this.#unlink(deadline);
    }
    this.#link(deadline);
  }

  /** Nothing is awaited any more. The deadline leaves the wheel when its slot comes up. */
  clear(deadline: Deadline): void {
    deadline.at = 0;
  }

  /** Forgets the deadline for good, so that nothing holds its owner. */
  remove(deadline: Deadline): void {
    deadline.at = 0;
    if (deadline.slot >= 0) this.#unlink(deadline);
  }

  /** Looks at the clock and expires what is due. Called by the interval; public for tests that bring a clock. */
  tick(): void {
    const before = this.now;
    this.now = this.#clock() - this.#origin;
    // After a long pause of the process every slot is looked at once, not once for every tick that was missed.
    const steps = Math.min(SLOTS, Math.floor(this.now / TICK_MS) - Math.floor(before / TICK_MS));
    for (let step = 0; step < steps; step++) {
      this.#cursor = (this.#cursor + 1) % SLOTS;
      this.#sweep(this.#cursor);
    }
    if (this.#linked === 0) this.#stop();
  }

  #sweep(slot: number): void {
    let deadline = this.#slots[slot] ?? null;
    this.#slots[slot] = null;
    const due: Deadline[] = [];
    while (deadline !== null) {
      const next: Deadline | null = deadline.next;
      deadline.slot = -1;
      deadline.previous = deadline.next = null;
      this.#linked--;
      if (deadline.at > this.now) this.#link(deadline);
      else if (deadline.at !== 0) due.push(deadline);
      deadline = next;
    }
    // Only now, as an expired owner may set, clear or remove any other deadline.
    for (const expired of due) {
      if (expired.at === 0 || expired.at > this.now) continue;
      expired.at = 0;
      expired.expire();
    }
  }

  #link(deadline: Deadline): void {
    const ticks = Math.min(SLOTS - 1, Math.max(1, Math.ceil((deadline.at - this.now) / TICK_MS)));
    const slot = (this.#cursor + ticks) % SLOTS;
    const head = this.#slots[slot] ?? null;
    deadline.slot = slot;
    deadline.linkedFor = deadline.at;
    deadline.previous = null;
    deadline.next = head;
    if (head !== null) head.previous = deadline;
    this.#slots[slot] = deadline;
    this.#linked++;
  }

  #unlink(deadline: Deadline): void {
    if (deadline.previous !== null) deadline.previous.next = deadline.next;
    else this.#slots[deadline.slot] = deadline.next;
    if (deadline.next !== null) deadline.next.previous = deadline.previous;
    deadline.previous = deadline.next = null;
    deadline.slot = -1;
    this.#linked--;
  }

  /** The interval runs only while deadlines are linked, and never keeps the process alive by itself. */
  #start(): void {
    this.now = this.#clock() - this.#origin;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
