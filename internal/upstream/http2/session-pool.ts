import type { ProxyError } from '../../base/index.ts';
import type { Dialing } from '../../transport/index.ts';
import type { Http2Link } from './http2-link.ts';
import type { Http2Session, Http2SessionOwner } from './http2-session.ts';
import type { UpstreamLink } from '../upstream-link.ts';

/** Called with the result of a request for a connection, now or later. */
export type AcquireDone = (error: ProxyError | null, link: UpstreamLink | null) => void;

/** The pool, as the sessions of a peer use it. */
export interface SessionDialer {
  /** Dials one more session. `done` gets null for both if the upstream speaks HTTP/1.1. */
  dialSession(done: (error: ProxyError | null, session: Http2Session | null) => void): Dialing;
  /** A session has no stream any more. */
  onSessionIdle(session: Http2Session): void;
  /** A session has ended with an error. */
  onSessionFault(error: Error): void;
  /** Dials for one request alone. */
  dialAlone(done: AcquireDone): Dialing;
}

/** Number of requests that wait for one dial before the limit of the upstream is known: the usual minimum. */
const ASSUMED_STREAMS = 100;

interface Waiter {
  readonly done: AcquireDone;
  /** The dial for this request alone, if there is one. */
  own: Dialing | null;
}

/**
 * The HTTP/2 sessions of one peer. A request takes a stream on the first session that has room. If none has, it waits
 * for the current dial, so that a burst of requests does not dial a session for each.
 */
export class SessionPool implements Http2SessionOwner {
  private readonly dialer: SessionDialer;
  private readonly sessions: Http2Session[] = [];
  private readonly waiting = new Set<Waiter>();
  private readonly dials = new Set<Dialing>();
  private streamsEach = ASSUMED_STREAMS;

  constructor(dialer: SessionDialer) {
    this.dialer = dialer;
  }

  /** Returns a stream on an open session, or null if none has room. */
  take(): Http2Link | null {
    for (const session of this.sessions) if (session.hasRoom) return session.open();
    return null;
  }

  /** Waits for room. */
  acquire(done: AcquireDone): Dialing {
    const waiter: Waiter = { done, own: null };
    this.waiting.add(waiter);
    this.dial();
    return { cancel: () => this.cancel(waiter) };
  }

  /** Number of sessions that accept streams. */
  get size(): number {
    return this.sessions.length;
  }

  /** Closes sessions after their open streams: those for which `leaves` returns true, or all. */
  retire(leaves: (session: Http2Session) => boolean = () => true): void {
    for (const session of this.sessions.filter(leaves)) session.retire();
  }

  /** The upstream speaks HTTP/1.1: each waiting request gets a connection of its own. */
  dissolve(): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter);
      waiter.own = this.dialer.dialAlone(waiter.done);
    }
  }

  /** Gives the request that has waited longest another link than a stream. @returns whether a request was waiting */
  give(link: UpstreamLink): boolean {
    const [waiter] = this.waiting;
    if (waiter === undefined) return false;
    this.waiting.delete(waiter);
    waiter.done(null, link);
    return true;
  }

  /** @internal */
  onRoom(session: Http2Session): void {
    this.serve();
    if (session.active === 0) this.dialer.onSessionIdle(session);
  }

  /** @internal */
  onFault(error: Error): void {
    this.dialer.onSessionFault(error);
  }

  /** @internal */
  onRetired(session: Http2Session): void {
    this.forget(session);
  }

  /** @internal */
  onSessionGone(session: Http2Session): void {
    this.forget(session);
  }

  private forget(session: Http2Session): void {
    const index = this.sessions.indexOf(session);
    if (index >= 0) this.sessions.splice(index, 1);
  }

  private cancel(waiter: Waiter): void {
    waiter.own?.cancel();
    this.waiting.delete(waiter);
    if (this.waiting.size > 0) return;
    for (const dialing of this.dials) dialing.cancel();
    this.dials.clear();
  }

  /** Dials as many sessions as the waiting requests need. */
  private dial(): void {
    while (this.dials.size * this.streamsEach < this.waiting.size) {
      const dialing = this.dialer.dialSession((error, session) => {
        this.dials.delete(dialing);
        if (error !== null) this.failed(error);
        else if (session !== null) this.opened(session);
      });
      this.dials.add(dialing);
    }
  }

  private opened(session: Http2Session): void {
    this.streamsEach = session.capacity;
    this.sessions.push(session);
    this.serve();
    if (session.active === 0) this.dialer.onSessionIdle(session);
  }

  private serve(): void {
    for (const waiter of this.waiting) {
      const link = this.take();
      if (link === null) return this.dial();
      this.waiting.delete(waiter);
      waiter.done(null, link);
    }
  }

  /**
   * A dial has failed. A waiting request may have been waiting for a different dial, so all continue to wait while
   * there is one.
   */
  private failed(error: ProxyError): void {
    if (this.dials.size > 0) return;
    const failed = [...this.waiting];
    this.waiting.clear();
    for (const waiter of failed) waiter.done(error, null);
  }
}
