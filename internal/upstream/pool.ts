import { type Deadlines, ProxyError } from '../base/index.ts';
import type { HeadLimits } from '../http1/index.ts';
import { type Connection, dial, type Dialing, type DialOptions } from '../transport/index.ts';
import { type ConnectionOwner, Http1Connection } from './http1-connection.ts';
import type { Peer } from './peer.ts';

/** How connections of a pool are made and kept. Milliseconds and counts. */
export interface PoolOptions extends Omit<DialOptions, 'tls'> {
  /** How long an idle connection is kept. */
  readonly idleTimeout: number;
  readonly maxIdle: number;
  readonly maxIdlePerHost: number;
  readonly headLimits: HeadLimits;
}

/**
 * Idle upstream connections are closed after this time at the latest: many servers close theirs after 60 s or more,
 * and the one that closes first is spared the race.
 */
const MAX_UPSTREAM_IDLE_MS = 55_000;

/** What a request for a connection gets, now or later. */
export type AcquireDone = (error: ProxyError | null, connection: Http1Connection | null) => void;

/** The idle connections of all peers. It outlives every generation of the config. */
export class Pools {
  /** Idle connections of all peers together. */
  idle = 0;
  readonly deadlines: Deadlines;
  private readonly pools = new Map<string, PeerPool>();

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines;
  }

  /** The pool of a peer. Peers with equal keys share one. */
  of(peer: Peer): PeerPool {
    let pool = this.pools.get(peer.key);
    if (pool === undefined) {
      pool = new PeerPool(peer, this);
      this.pools.set(peer.key, pool);
    }
    return pool;
  }

  /** Closes the idle connections of all peers but those with the given keys. Called when a new config has none of them. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, pool] of this.pools) {
      if (keys.has(key)) continue;
      pool.closeIdle();
      this.pools.delete(key);
    }
  }
}

/** The idle connections of one peer, used last in, first out: the others may grow old and be closed. */
export class PeerPool implements ConnectionOwner {
  readonly peer: Peer;
  private readonly pools: Pools;
  private readonly idle: Http1Connection[] = [];
  private options: PoolOptions | null = null;

  constructor(peer: Peer, pools: Pools) {
    this.peer = peer;
    this.pools = pools;
  }

  /** An idle connection, or null when there is none. */
  take(options: PoolOptions): Http1Connection | null {
    this.options = options;
    for (let connection = this.idle.pop(); connection !== undefined; connection = this.idle.pop()) {
      this.pools.idle--;
      if (connection.usable) return connection;
    }
    return null;
  }

  /** Opens a new connection. */
  open(options: PoolOptions, done: AcquireDone): Dialing {
    this.options = options;
    return dial(this.peer.address, { ...options, tls: this.peer.tls }, this.pools.deadlines, (error, connection) => {
      if (connection === null) return done(error ?? new ProxyError('internal', 'a dial ended with nothing'), null);
      done(null, this.wrap(connection, options));
    });
  }

  /** Closes what is idle. Connections in use are closed when their exchange is over. */
  closeIdle(): void {
    this.options = null;
    for (const connection of this.idle.splice(0)) {
      this.pools.idle--;
      connection.abort();
    }
  }

  /** @internal */
  onIdle(connection: Http1Connection): void {
    const { options } = this;
    if (options === null || this.pools.idle >= options.maxIdle || this.idle.length >= options.maxIdlePerHost) {
      return connection.abort();
    }
    connection.waitIdle(Math.min(options.idleTimeout, MAX_UPSTREAM_IDLE_MS));
    this.idle.push(connection);
    this.pools.idle++;
  }

  /** @internal */
  onGone(connection: Http1Connection): void {
    const index = this.idle.indexOf(connection);
    if (index < 0) return;
    this.idle.splice(index, 1);
    this.pools.idle--;
  }

  private wrap(connection: Connection, options: PoolOptions): Http1Connection {
    return new Http1Connection(connection, this, options.headLimits);
  }
}
