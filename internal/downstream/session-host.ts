import type { Deadlines, Member, ProxyError, Roster } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';
import type { FailureSubject, FilterChain, RouteContext } from '../exchange/index.ts';
import type { HeadLimits } from '../http1/index.ts';
import type { TlsAcceptor } from '../transport/index.ts';

/** What a session needs of its service: one generation, replaced as a whole by a reload. */
export interface SessionHost {
  readonly limits: ServiceLimits;
  readonly headLimits: HeadLimits;
  /** Terminates TLS; null on a plain listener, and on one that has no certificate as it only passes and drops. */
  readonly tls: TlsAcceptor | null;
  /** Whether a connection that does not begin with TLS is served as HTTP. */
  readonly plain: boolean;
  /** Whether the ClientHello is read first: some route passes by server name, or drops on a TLS listener. */
  readonly peeks: boolean;
  /** Whether connections from trusted_proxies begin with a PROXY header. */
  readonly expectsProxyHeader: boolean;
  /** The filters that connections have to pass; null where there are none. */
  readonly onConnection: FilterChain['onConnection'];
  /** The first route whose domain matches a server name, in normal form; null when none does. */
  matchHost(host: string): HostRoute | null;
  /** The first route that matches, or null. The arguments are in normal form. */
  route(host: string, path: string, method: string): RouteContext | null;
  /** Stands in for a route where there is none: before the head is read, and when nothing matches. */
  readonly unrouted: RouteContext;
  /** Whether X-Forwarded-* of that peer are believed. */
  trusts(address: string): boolean;
  /** An exchange of this generation has begun. */
  exchangeBegan(): void;
  /** An exchange of this generation is over. */
  exchangeEnded(): void;
  /** Logs that a session was lost to a fault of prox while no exchange was under way. */
  sessionBroken(clientAddress: string, error: ProxyError): void;
  /** Logs how an exchange or a relayed connection failed. */
  exchangeFailed(subject: FailureSubject, error: ProxyError): void;
  /** Logs that a connection was closed as it did not begin as it has to. */
  connectionRefused(clientAddress: string, error: ProxyError): void;
}

/** A route that was found by the host alone. */
export interface HostRoute {
  readonly value: RouteContext;
  /** False when the route also asks for a path or a method, so that it applies to requests alone. */
  readonly decided: boolean;
}

/** Where the sessions of a listener look for their service. They read `current` at the begin of each request. */
export interface SessionSlot {
  current: SessionHost;
  /** Set when the listener is going away: sessions end with the exchange that is under way. */
  draining: boolean;
  /** Every session that is open. */
  readonly sessions: Roster<DrainableSession>;
  /** Takes a session that has ended out of the set. */
  sessionEnded(session: DrainableSession): void;
  readonly deadlines: Deadlines;
}

/** What a drain does to a session. */
export interface DrainableSession extends Member {
  /** Ends the session when no exchange is under way, else after the one that is. */
  drain(): void;
  /** Ends the session at once. */
  kill(error: ProxyError): void;
}
