import { MORE, RequestHeadReader } from '../http1/index.ts';
import type { ExchangeBounds } from './exchange-bounds.ts';
import type { SessionHost } from './session-host.ts';

/** The empty line that may stand before a request (RFC 9112 §2.2). */
const EMPTY_LINE_BYTES = 2;

/** Reads the heads of a session, each under the limits of the generation that was in force when it began. */
export class HeadIntake {
  reader: RequestHeadReader;
  /** read_timeout and write_timeout; null without them. */
  bounds: ExchangeBounds | null;
  /** Bytes of the head so far. */
  bytes = 0;
  private adopted: SessionHost;
  private readonly boundsOf: (service: SessionHost) => ExchangeBounds | null;

  constructor(service: SessionHost, boundsOf: (service: SessionHost) => ExchangeBounds | null) {
    this.adopted = service;
    this.boundsOf = boundsOf;
    this.reader = new RequestHeadReader(service.headLimits);
    this.bounds = boundsOf(service);
  }

  /** A head begins. A reload may have brought another generation since the last one. */
  begin(service: SessionHost): void {
    if (service !== this.adopted) {
      this.adopted = service;
      this.reader = new RequestHeadReader(service.headLimits);
      this.bounds = this.boundsOf(service);
    }
    this.bounds?.startRequest();
  }

  /** Whether nothing has come that belongs to a request. */
  get nothingYet(): boolean {
    return this.bytes <= EMPTY_LINE_BYTES;
  }

  /** @returns the position behind the head, or MORE. @throws ProxyError */
  feed(buffer: Buffer, at: number, end: number): number {
    const next = this.reader.feed(buffer, at, end);
    this.bytes += (next === MORE ? end : next) - at;
    return next;
  }

  /** The head was taken: what it had is counted elsewhere from now on. @returns its bytes */
  takeBytes(): number {
    const { bytes } = this;
    this.bytes = 0;
    return bytes;
  }

  /** The request is over: the next head may come. */
  next(): void {
    this.reader.reset();
    // What fails before it has a method has none.
    this.reader.method = '';
  }
}
