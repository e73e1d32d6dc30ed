/** Holds the state that filters keep for one exchange. */
export interface SlotHolder {
  /** State by the index of the slot; null while there is none. */
  slots: unknown[] | null;
}

/** The place of one filter's state in every exchange. */
export class Slot<T> {
  private readonly index: number;

  /** @param index the same in all exchanges of a generation, and different from every other slot of it */
  constructor(index: number) {
    this.index = index;
  }

  /** The state that was set for the exchange; undefined if none was. */
  get(exchange: SlotHolder): T | undefined {
    return exchange.slots === null ? undefined : (exchange.slots[this.index] as T | undefined);
  }

  set(exchange: SlotHolder, value: T): void {
    (exchange.slots ??= [])[this.index] = value;
  }
}

/** Numbers the slots of a generation, from 1: slot 0 holds the request id. */
export class SlotNumbers {
  private count = 1;

  next<T>(): Slot<T> {
    return new Slot(this.count++);
  }
}
