import type { Deadlines } from '../../base/index.ts';
import type { Http1Connection } from './http1-connection.ts';
import { IdleLifetime } from './idle-lifetime.ts';

/**
 * A connection that was used so short a while ago is taken without a look. It is two ticks of the coarse clock, so that
 * one which is used again and again never waits for a look.
 */
const FRESH_MS = 100;

/** The requests for which an idle connection is suitable. */
export const Fitness = {
  /** The upstream may be about to close it: for requests that can be sent again alone. */
  doubtful: 0,
  /** For any request, once the event loop has looked whether the upstream has closed it. */
  unseen: 1,
  /** For any request. */
  fresh: 2,
} as const;
export type Fitness = (typeof Fitness)[keyof typeof Fitness];

/**
 * The idle connections to one HTTP/1.1 upstream. The newest is used first, because the upstream closes it last, and the
 * others may become old and be closed here.
 */
export class IdleConnections {
  /** In the order in which they became idle. */
  private readonly list: Http1Connection[] = [];
  private readonly lifetime = new IdleLifetime();
  private readonly deadlines: Deadlines;

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines;
  }

  get count(): number {
    return this.list.length;
  }

  /** @param milliseconds it is kept */
  add(connection: Http1Connection, milliseconds: number): void {
    // The clock stands still while nothing has a deadline, and goes on with this one.
    connection.waitIdle(milliseconds);
    connection.idleSince = this.deadlines.now;
    this.list.push(connection);
  }

  /** Takes the newest. */
  take(): Http1Connection | undefined {
    const connection = this.list.pop();
    if (connection !== undefined) connection.takenAt = this.deadlines.now;
    return connection;
  }

  /** Takes the one that was unused for the longest time. */
  takeOldest(): Http1Connection | undefined {
    return this.list.shift();
  }

  /** The suitability of the newest one. */
  fitness(): Fitness {
    const { list, lifetime } = this;
    // Connections that have been idle for longer than one that the upstream has just closed are doubtful, too.
    if (list.length === 0 || !list[list.length - 1].usable) return Fitness.doubtful;
    const now = this.deadlines.read();
    lifetime.survived(now - list[0].idleSince);
    const idleFor = now - list[list.length - 1].idleSince;
    if (lifetime.mayEnd(idleFor, now)) return Fitness.doubtful;
    return idleFor < FRESH_MS ? Fitness.fresh : Fitness.unseen;
  }

  /** Removes a closed connection. @returns whether it was idle */
  remove(connection: Http1Connection): boolean {
    const index = this.list.indexOf(connection);
    if (index < 0) return false;
    this.list.splice(index, 1);
    const now = this.deadlines.read();
    if (connection.closedByPeer) this.lifetime.closed(now - connection.idleSince, now);
    return true;
  }

  /** The upstream has closed a connection that was taken before that was seen. */
  lost(connection: Http1Connection): void {
    const { idleSince, takenAt } = connection;
    this.lifetime.closed(takenAt - idleSince, this.deadlines.read());
  }

  /** Takes those for which the test fails. */
  without(test: (connection: Http1Connection) => boolean): Http1Connection[] {
    const { list } = this;
    const failed = list.filter((connection) => !test(connection));
    if (failed.length > 0) list.splice(0, list.length, ...list.filter((connection) => !failed.includes(connection)));
    return failed;
  }

  /** Takes all of them. */
  clear(): Http1Connection[] {
    return this.list.splice(0);
  }
}
