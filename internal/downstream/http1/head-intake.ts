import { MORE, RequestHeadReader } from '../../http1/index.ts';
import { type BoundsOwner, ExchangeBounds, type Guard } from '../exchange-bounds.ts';
import type { SessionHost, SessionSlot } from '../session-host.ts';

/** The empty line that may stand before a request (RFC 9112 §2.2). */
const EMPTY_LINE_BYTES = 2;

/** Reads the heads of a session. For each apply the limits of the generation that was current when the head began. */
export class HeadIntake {
  reader: RequestHeadReader;
  /** read_timeout, write_timeout and min_rate; null without them. */
  bounds: ExchangeBounds | null;
  /** Bytes of the head so far. */
  bytes = 0;
  private adopted: SessionHost;
  private readonly slot: SessionSlot;
  private readonly guard: Guard;
  private readonly owner: BoundsOwner;

  constructor(slot: SessionSlot, guard: Guard, owner: BoundsOwner) {
    this.slot = slot;
    this.guard = guard;
    this.owner = owner;
    this.adopted = slot.current;
    this.reader = new RequestHeadReader(this.adopted.headLimits);
    this.bounds = this.newBounds();
  }

  /** A head begins. A reload may have brought another generation since the last one. */
  begin(service: SessionHost): void {
    if (service !== this.adopted) {
      this.adopted = service;
      this.reader = new RequestHeadReader(service.headLimits);
      this.bounds = this.newBounds();
    }
    this.bounds?.startRequest();
  }

  /** Whether no byte of a request has come. */
  get nothingYet(): boolean {
    return this.bytes <= EMPTY_LINE_BYTES;
  }

  /** @returns the position behind the head, or MORE. @throws ProxyError */
  feed(buffer: Buffer, at: number, end: number): number {
    const next = this.reader.feed(buffer, at, end);
    this.bytes += (next === MORE ? end : next) - at;
    return next;
  }

  /** The exchange has taken the head and counts its bytes from now on. @returns the bytes of the head */
  takeBytes(): number {
    const { bytes } = this;
    this.bytes = 0;
    return bytes;
  }

  /** The request is over: the next head may come. */
  next(): void {
    this.reader.reset();
    // A request that fails before its method is complete has none.
    this.reader.method = '';
  }

  private newBounds(): ExchangeBounds | null {
    return ExchangeBounds.of(this.adopted.limits, this.slot.deadlines, this.guard, this.owner);
  }
}
