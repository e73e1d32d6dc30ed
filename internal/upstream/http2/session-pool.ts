import type { ProxyError } from '../../base/index.ts';
import type { Dialing } from '../../transport/index.ts';
import type { Http2Link } from './http2-link.ts';
import type { Http2Session, Http2SessionOwner } from './http2-session.ts';
import type { UpstreamLink } from '../upstream-link.ts';

/** What a request for a connection gets, now or later. */
export type AcquireDone = (error: ProxyError | null, link: UpstreamLink | null) => void;

/** What the sessions of a peer need of its pool. */
export interface SessionDialer {
  /** Dials one more session. `done` gets null for both when the upstream turned out to speak HTTP/1.1. */
  dialSession(done: (error: ProxyError | null, session: Http2Session | null) => void): Dialing;
  /** A session has no stream any more. */
  onSessionIdle(session: Http2Session): void;
  /** A session has ended with an error. */
  onSessionFault(error: Error): void;
  /** Dials for one request alone. */
  dialAlone(done: AcquireDone): Dialing;
}

/** Requests that wait for one dial while it is not known how many streams the upstream takes: what most allow at least. */
const ASSUMED_STREAMS = 100;

interface Waiter {
  readonly done: AcquireDone;
  /** Set when a dial of its own was begun for it. */
  own: Dialing | null;
}

/**
 * The HTTP/2 sessions of one peer. A request takes a stream on the first session that has room; where none has, it waits
 * for the dial under way, so that a burst does not dial a session each.
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

  /** A stream on a session that is open, or null when none has room. */
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

  /** How many sessions take streams. */
  get size(): number {
    return this.sessions.length;
  }

  /** Closes sessions behind the streams that they have: those that `leaves` says, or all. */
  retire(leaves: (session: Http2Session) => boolean = () => true): void {
    for (const session of this.sessions.filter(leaves)) session.retire();
  }

  /** The upstream turned out to speak HTTP/1.1: whoever waits gets a connection of its own. */
  dissolve(): void {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter);
      waiter.own = this.dialer.dialAlone(waiter.done);
    }
  }

  /** Gives the one that waits longest something other than a stream. @returns whether anybody waited */
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

  /** Dials as many sessions as those who wait need. */
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

  /** Who waits may have waited for another dial; while there is one, they go on. */
  private failed(error: ProxyError): void {
    if (this.dials.size > 0) return;
    const failed = [...this.waiting];
    this.waiting.clear();
    for (const waiter of failed) waiter.done(error, null);
  }
}
