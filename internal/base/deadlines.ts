/**
 * Deadlines on a coarse clock.
 *
 * A proxy sets a deadline for every head, every stall and every idle connection, and nearly all of them are cleared
 * before they are due. A timer for each would cost more than the request. Instead, one interval advances a coarse clock
 * by TICK_MS and visits one slot of a wheel. Moving a deadline to a later time only writes a number: the wheel still
 * visits the old slot first, and links the deadline into the right slot then.
 *
 *     slot:   0    1    2   ...   n-1
 *             |    |    |
 *             a    -    b <-> c          each slot is a doubly linked list of deadlines
 *
 * Because the clock is coarse, a deadline fires up to three ticks late. It never fires early.
 */

/** Milliseconds between two ticks. */
const TICK_MS = 50;

/**
 * Slots of the wheel. A deadline beyond TICK_MS * SLOTS waits in the farthest slot, which is visited once per turn of
 * the wheel.
 */
const SLOTS = 512;

/** A time limit of one owner for one event at a time. Made by `Deadlines.create`. */
export class Deadline {
  /** The time on the coarse clock, in milliseconds; 0 while the deadline is not set. */
  at = 0;
  /** @internal The slot into which this deadline is linked, -1 for none. */
  slot = -1;
  /** @internal The time for which it was linked; the wheel visits its slot no later. */
  linkedFor = 0;
  /** @internal */
  previous: Deadline | null = null;
  /** @internal */
  next: Deadline | null = null;
  /** @internal Called when the deadline has passed. The deadline is already cleared then. */
  readonly expire: () => void;

  constructor(expire: () => void) {
    this.expire = expire;
  }
}

/** The coarse clock and every deadline on it. One instance serves a process. */
export class Deadlines {
  /** Milliseconds between the creation of this clock and the last tick. */
  now = 0;
  #slots: (Deadline | null)[] = Array.from({ length: SLOTS }, () => null);
  #cursor = 0;
  #origin: number;
  #clock: () => number;
  #timer: NodeJS.Timeout | null = null;
  #linked = 0;

  /** @param clock milliseconds of a monotonic clock; a test may pass its own and call `tick` itself */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#origin = clock();
  }

  /** The current value of the clock behind `now`, for measurements that need more precision than a tick. */
  read(): number {
    return this.#clock() - this.#origin;
  }

  /** Makes a deadline that is not set yet. `expire` must not throw. */
  create(expire: () => void): Deadline {
    return new Deadline(expire);
  }

  /** Sets the deadline to `milliseconds` from now. 0 or less clears it, because the config writes "no limit" as 0. */
  set(deadline: Deadline, milliseconds: number): void {
    if (milliseconds <= 0) {
      deadline.at = 0;
      return;
    }
    if (this.#timer === null) this.#start();
    const at = this.now + milliseconds + TICK_MS;
    deadline.at = at;
    // Moving a deadline to a later time needs no relinking: tick() visits the old slot first and links it again there.
    if (deadline.slot >= 0) {
      if (at >= deadline.linkedFor) return;
      this.#unlink(deadline);
    }
    this.#link(deadline);
  }

  /** Clears the deadline. It leaves the wheel when its slot is visited. */
  clear(deadline: Deadline): void {
    deadline.at = 0;
  }

  /** Removes the deadline from the wheel at once, so that the wheel no longer references its owner. */
  remove(deadline: Deadline): void {
    deadline.at = 0;
    if (deadline.slot >= 0) this.#unlink(deadline);
  }

  /**
   * Reads the clock and expires the deadlines that are due. The interval calls it; it is public for tests that pass a
   * clock.
   */
  tick(): void {
    const before = this.now;
    this.now = this.#clock() - this.#origin;
    // After a long pause of the process, every slot is visited once and not once for every missed tick.
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
    // The callbacks run only after the loop, because they may set, clear or remove any other deadline.
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

  /** Starts the interval. It runs only while deadlines are linked, and does not keep the process alive. */
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
