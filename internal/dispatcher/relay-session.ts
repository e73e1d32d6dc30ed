import { type Deadlines, ProxyError } from '../base/index.ts';
import type { DrainableSession, SessionHost, SessionSlot } from '../downstream/index.ts';
import type { RelayedConnection, RouteContext } from '../exchange/index.ts';
import { AccessRecord } from '../logger/index.ts';
import type { Connection } from '../transport/index.ts';

/**
 * A client connection that is relayed (L4). It belongs to the action of its route; this object represents it for the
 * service. On a drain it continues until shutdown_timeout cuts it, because prox cannot see where its requests end.
 */
export class RelaySession implements RelayedConnection, DrainableSession {
  place = -1;
  readonly connection: Connection;
  readonly head: Buffer;
  readonly host: string;
  readonly route: RouteContext;
  readonly record: AccessRecord | null;
  readonly clientAddress: string;
  private readonly slot: SessionSlot;
  /** The generation with which the connection began. */
  private readonly service: SessionHost;
  private readonly started = performance.now();
  private killedBy: ProxyError | null = null;

  constructor(connection: Connection, head: Buffer, host: string, route: RouteContext, slot: SessionSlot) {
    this.connection = connection;
    this.head = head;
    this.host = host;
    this.route = route;
    this.slot = slot;
    this.service = slot.current;
    // Stored here because a closed connection has no address any more.
    this.clientAddress = connection.remoteAddress;
    this.record = route.filters === null || route.filters.onRelayEnd === null ? null : new AccessRecord();
    this.record?.reset(Date.now());
    this.service.exchangeBegan();
    slot.sessions.add(this);
  }

  get deadlines(): Deadlines {
    return this.slot.deadlines;
  }

  over(ending: ProxyError | null): void {
    const error = this.killedBy ?? ending;
    const { connection, service } = this;
    if (error !== null) service.exchangeFailed(this, error);
    const { bytesRead: bytesIn, bytesWritten: bytesOut } = connection;
    try {
      for (const filter of this.route.filters?.onRelayEnd ?? []) {
        filter.onRelayEnd(this, { bytesIn, bytesOut, error, started: this.started });
      }
    } catch (thrown) {
      service.sessionBroken(this.clientAddress, ProxyError.from(thrown));
    }
    this.slot.sessionEnded(this);
    service.exchangeEnded();
  }

  drain(): void {}

  kill(error: ProxyError): void {
    this.killedBy = error;
    this.connection.reset();
  }
}
