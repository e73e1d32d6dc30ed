import { type Deadlines, ProxyError } from '../base/index.ts';
import type { Resolver } from '../resolver/index.ts';
import {
  type Connection,
  descriptors,
  dial,
  type DialContext,
  type DialDone,
  type Dialing,
  type DialOptions,
  type Network,
  SYSTEM_NETWORK,
} from '../transport/index.ts';
import { type ConnectionOwner, Http1Connection } from './http1/http1-connection.ts';
import { Http2Session, type Http2SessionOptions, type Http2SessionOwner } from './http2/http2-session.ts';
import { retiresAt } from './connection-age.ts';
import { Fitness, IdleConnections } from './http1/idle-connections.ts';
import type { Peer } from './peer.ts';
import { type AcquireDone, type SessionDialer, SessionPool } from './http2/session-pool.ts';
import type { UpstreamLink } from './upstream-link.ts';

/** How connections of a pool are made and kept. Milliseconds and counts. */
export interface PoolOptions extends Omit<DialOptions, 'tls' | 'alpn' | 'opening'>, Http2SessionOptions {
  /** How long an idle connection is kept. */
  readonly idleTimeout: number;
  readonly maxIdle: number;
  readonly maxIdlePerHost: number;
}

/** The requirements of an exchange for its connection. */
export interface LinkNeeds {
  /** The connection serves this exchange alone. */
  readonly alone: boolean;
  /** The exchange becomes a tunnel: where TLS decides the protocol, it has to be HTTP/1.1 (RFC 9110 §7.8). */
  readonly tunnel: boolean;
  /** The request cannot be sent again: a connection that the upstream may just have closed will not do. */
  readonly once: boolean;
  /** What the connection begins with, before TLS: a PROXY header. Null for nothing; else `alone` is true. */
  readonly opening: Buffer | null;
}

/**
 * Idle upstream connections are closed after this time at the latest: many servers close theirs after 60 s or more,
 * and the one that closes first is spared the race.
 */
const MAX_UPSTREAM_IDLE_MS = 55_000;

/** Milliseconds between two checks whether the addresses of idle connections still belong to their names. */
const TIDY_EVERY_MS = 1000;

/** The idle connections of all peers. It outlives every generation of the config. */
export class Pools implements DialContext {
  /** Idle connections of all peers together. */
  idle = 0;
  readonly deadlines: Deadlines;
  readonly resolver: Resolver;
  /** Called for HTTP/2 sessions that have ended with an error. */
  readonly onFault: (peer: Peer, error: Error) => void;
  readonly network: Network;
  private readonly pools = new Map<string, PeerPool>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    deadlines: Deadlines,
    resolver: Resolver,
    onFault: (peer: Peer, error: Error) => void = () => {},
    network: Network = SYSTEM_NETWORK,
  ) {
    this.network = network;
    this.deadlines = deadlines;
    this.resolver = resolver;
    this.onFault = onFault;
    descriptors.relieve = () => this.relieve();
  }

  /** The pool of a peer. Peers with equal keys share one. */
  of(peer: Peer): PeerPool {
    let pool = this.pools.get(peer.key);
    if (pool === undefined) {
      pool = new PeerPool(peer, this);
      this.pools.set(peer.key, pool);
      this.timer ??= setInterval(() => this.tidy(), TIDY_EVERY_MS).unref();
    }
    return pool;
  }

  private tidy(): void {
    for (const pool of this.pools.values()) pool.tidy();
  }

  /** Closes the idle connection of any peer that was unused for the longest time; returns whether there was one. */
  private relieve(): boolean {
    for (const pool of this.pools.values()) if (pool.closeOldest()) return true;
    return false;
  }

  /**
   * Closes the idle connections of all peers except those with the given keys. Called when a new config has no other
   * peers.
   */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, pool] of this.pools) {
      if (keys.has(key)) continue;
      pool.closeIdle();
      this.pools.delete(key);
    }
    if (this.pools.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}

/** ALPN protocols (RFC 7301 §3.1) in order of preference. */
const BOTH: readonly string[] = ['h2', 'http/1.1'];
const HTTP1: readonly string[] = ['http/1.1'];

/**
 * The connections of one peer. HTTP/2 sessions are shared. If TLS decides the protocol, the first handshake shows which
 * one the peer speaks.
 */
export class PeerPool implements ConnectionOwner, SessionDialer {
  readonly peer: Peer;
  private readonly pools: Pools;
  private readonly idle: IdleConnections;
  private readonly sessions = new SessionPool(this);
  /** The protocol, if it is known. */
  private protocol: 'http/1.1' | 'h2' | null;
  private options: PoolOptions | null = null;
  /** Addresses to which connections may lead; null if unknown, and always for a peer without a name. */
  private holding: readonly string[] | null = null;
  /** Whether a connection was returned since the last check. */
  private used = false;
  /** The options of the last request, which dials for several requests use. */
  private dialOptions: PoolOptions | null = null;

  constructor(peer: Peer, pools: Pools) {
    this.peer = peer;
    this.pools = pools;
    this.idle = new IdleConnections(pools.deadlines);
    this.protocol = peer.protocol === 'alpn' ? null : peer.protocol;
  }

  /**
   * Returns an idle connection, or a stream on an open session; null if there is none.
   * @param fresh whether a connection that was used before is not acceptable; an open session is
   * @param tunnel as in LinkNeeds
   * @param once as in LinkNeeds
   */
  take(options: PoolOptions, fresh: boolean, tunnel: boolean, once: boolean): UpstreamLink | null {
    this.options = options;
    if (this.protocol === 'h2') {
      if (!tunnel || this.peer.protocol === 'h2') return this.sessions.take();
    } else if (!fresh && (!once || this.idle.fitness() === Fitness.fresh)) {
      return this.takeIdle();
    }
    return null;
  }

  private takeIdle(): Http1Connection | null {
    for (let connection = this.idle.take(); connection !== undefined; connection = this.idle.take()) {
      this.pools.idle--;
      if (connection.usable) return connection;
      if (connection.closedByPeer) this.idle.lost(connection);
    }
    return null;
  }

  /**
   * Opens a new connection, waits for a session that is being opened, or checks whether an idle connection is usable.
   */
  open(options: PoolOptions, needs: LinkNeeds, done: AcquireDone): Dialing {
    this.options = options;
    this.dialOptions = options;
    const { peer } = this;
    if (needs.alone) return this.dialOwn(options, needs, done);
    if (peer.protocol === 'alpn' && needs.tunnel) return this.dialOwn(options, needs, done);
    if (this.protocol !== 'http/1.1') return this.sessions.acquire(done);
    if (needs.once && this.idle.fitness() === Fitness.unseen) return this.look(options, needs, done);
    return this.dialOwn(options, needs, done);
  }

  /**
   * Takes an idle connection after everything that has arrived on it was read, because an end or a reset may still wait
   * in the event loop. That takes one turn of the event loop, and two immediates, because the first may belong to the
   * current turn.
   */
  private look(options: PoolOptions, needs: LinkNeeds, done: AcquireDone): Dialing {
    let dialing: Dialing | null = null;
    let over = false;
    const looked = (): void => {
      if (over) return;
      const connection = this.idle.fitness() === Fitness.doubtful ? null : this.takeIdle();
      if (connection === null) dialing = this.dialOwn(options, needs, done);
      else done(null, connection);
    };
    setImmediate(() => setImmediate(looked));
    return {
      cancel() {
        over = true;
        dialing?.cancel();
      },
    };
  }

  /** Closes idle connections. Connections in use are closed when their exchange is over. */
  closeIdle(): void {
    this.options = null;
    this.sessions.retire();
    for (const connection of this.idle.clear()) {
      this.pools.idle--;
      connection.abort();
    }
  }

  /**
   * Closes idle connections that are old, or whose address no longer belongs to the name. Looks the name up again if
   * necessary.
   */
  tidy(): void {
    const { address } = this.peer;
    if (!this.used && this.idle.count === 0 && this.sessions.size === 0) {
      // Addresses that are not kept up to date must not decide.
      this.holding = null;
      return;
    }
    this.used = false;
    if (address.kind === 'tcp') this.holding = this.pools.resolver.holding(address.host);
    for (const connection of this.idle.without((one) => this.holds(one))) {
      this.pools.idle--;
      connection.abort();
    }
    this.sessions.retire((session) => !this.holds(session));
  }

  private holds({ dialed, retiresAt }: Dialed): boolean {
    if (this.pools.deadlines.now > retiresAt) return false;
    return this.holding === null || this.holding.includes(dialed);
  }

  /** @internal Closes the idle connection that was unused for the longest time; returns whether there was one. */
  closeOldest(): boolean {
    const oldest = this.idle.takeOldest();
    if (oldest === undefined) return false;
    this.pools.idle--;
    oldest.abort();
    return true;
  }

  /** @internal */
  onIdle(connection: Http1Connection): void {
    const { options } = this;
    this.used = true;
    // A connection that was made for an upgrade is not useful any more if the peer speaks another or an unknown
    // protocol.
    const useless = options === null || this.protocol !== 'http/1.1' || !this.holds(connection);
    if (useless || this.pools.idle >= options.maxIdle || this.idle.count >= options.maxIdlePerHost) {
      return connection.abort();
    }
    this.idle.add(connection, Math.min(options.idleTimeout, MAX_UPSTREAM_IDLE_MS));
    this.pools.idle++;
  }

  /** @internal */
  onLost(connection: Http1Connection): void {
    this.idle.lost(connection);
  }

  /** @internal */
  onGone(connection: Http1Connection): void {
    if (this.idle.remove(connection)) this.pools.idle--;
  }

  /** @internal */
  onSessionIdle(session: Http2Session): void {
    const { options } = this;
    if (options === null || options.maxIdle === 0 || options.maxIdlePerHost === 0) return session.retire();
    session.waitIdle(Math.min(options.idleTimeout, MAX_UPSTREAM_IDLE_MS));
  }

  /** @internal */
  onSessionFault(error: Error): void {
    this.pools.onFault(this.peer, error);
  }

  /** @internal */
  dialAlone(done: AcquireDone): Dialing {
    return this.dialOwn(
      this.dialOptions as PoolOptions,
      { alone: false, tunnel: false, once: false, opening: null },
      done,
    );
  }

  /** @internal */
  dialSession(done: (error: ProxyError | null, session: Http2Session | null) => void): Dialing {
    const options = this.dialOptions as PoolOptions;
    let session: Http2Session | null = null;
    const dialing = this.dial(options, BOTH, null, (error, connection) => {
      if (connection === null) return done(error ?? ended(), null);
      if (this.speaksHttp2(connection)) {
        this.protocol = 'h2';
        session = this.session(connection, this.sessions, options, done);
        return;
      }
      // Requests that wait after this one dial at once from now on.
      this.protocol = 'http/1.1';
      const http1 = this.http1(connection, options);
      done(null, null);
      if (!this.sessions.give(http1)) this.onIdle(http1);
      this.sessions.dissolve();
    });
    return {
      cancel: () => {
        dialing.cancel();
        session?.destroy();
      },
    };
  }

  /** Dials for one exchange. */
  private dialOwn(options: PoolOptions, needs: LinkNeeds, done: AcquireDone): Dialing {
    let session: Http2Session | null = null;
    const alpn = needs.tunnel ? HTTP1 : BOTH;
    const dialing = this.dial(options, alpn, needs.opening, (error, connection) => {
      if (connection === null) return done(error ?? ended(), null);
      if (!this.speaksHttp2(connection)) return done(null, this.http1(connection, options));
      // The server has chosen another protocol than at the last dial; the session is used for this exchange only.
      if (this.peer.protocol === 'alpn' && !needs.alone) this.protocol = null;
      session = this.session(connection, SINGLE_USE, options, (failure, ready) => {
        done(failure, ready === null ? null : ready.open());
      });
    });
    return {
      cancel: () => {
        dialing.cancel();
        session?.destroy();
      },
    };
  }

  private dial(options: PoolOptions, alpn: readonly string[], opening: Buffer | null, done: DialDone): Dialing {
    const { address, tls, protocol } = this.peer;
    // node:http2 reads its sockets itself, into its own memory.
    const readBufferSize = protocol === 'h2' ? 0 : options.readBufferSize;
    return dial(address, { ...options, readBufferSize, tls, alpn, opening }, this.pools, done);
  }

  private http1(connection: Connection, options: PoolOptions): Http1Connection {
    return new Http1Connection(connection, this, options.headLimits, retiresAt(this.pools.deadlines));
  }

  private speaksHttp2(connection: Connection): boolean {
    return this.peer.protocol === 'h2' || connection.tls?.alpn === 'h2';
  }

  private session(
    connection: Connection,
    owner: Http2SessionOwner,
    options: PoolOptions,
    done: (error: ProxyError | null, session: Http2Session | null) => void,
  ): Http2Session {
    return new Http2Session(connection, owner, options, this.pools.deadlines, done, options.timeout);
  }
}

/** The address of a connection, and how long it is used. */
interface Dialed {
  readonly dialed: string;
  readonly retiresAt: number;
}

/** The owner of sessions that serve one exchange and end with it. */
const SINGLE_USE: Http2SessionOwner = {
  onRoom: (session) => session.retire(),
  onFault() {},
  onRetired() {},
  onSessionGone() {},
};

function ended(): ProxyError {
  return new ProxyError('internal', 'a dial ended without a connection and without an error');
}
