/** What holds the state of filters for one exchange. */
export interface SlotHolder {
  /** By the index of the slot; null while nothing is held. */
  slots: unknown[] | null;
}

/** The place of one filter's state in every exchange. */
export class Slot<T> {
  private readonly index: number;

  /** @param index the same in all exchanges of a generation, and of no other slot there */
  constructor(index: number) {
    this.index = index;
  }

  /** What was set for the exchange; undefined when nothing was. */
  get(exchange: SlotHolder): T | undefined {
    return exchange.slots === null ? undefined : (exchange.slots[this.index] as T | undefined);
  }

  set(exchange: SlotHolder, value: T): void {
    (exchange.slots ??= [])[this.index] = value;
  }
}

/** Numbers the slots of a generation, from 1: slot 0 is that of the request id. */
export class SlotNumbers {
  private count = 1;

  next<T>(): Slot<T> {
    return new Slot(this.count++);
  }
}
