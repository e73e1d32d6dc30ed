import type { Deadlines, Member, ProxyError, Roster } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';
import type { FailureSubject, FilterChain, RouteContext } from '../exchange/index.ts';
import type { HeadLimits } from '../http1/index.ts';
import type { TlsAcceptor } from '../transport/index.ts';

/** One generation of a service as its sessions see it. A reload replaces it as a whole. */
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
  /** The filters that connections have to pass; null if there are none. */
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
  /** Logs that a fault of prox has ended a session without a current exchange. */
  sessionBroken(clientAddress: string, error: ProxyError): void;
  /** Logs how an exchange or a relayed connection failed. */
  exchangeFailed(subject: FailureSubject, error: ProxyError): void;
  /** Logs that a connection was closed because its first bytes were not valid. */
  connectionRefused(clientAddress: string, error: ProxyError): void;
}

/** A route that was found by the host alone. */
export interface HostRoute {
  readonly value: RouteContext;
  /** False when the route also asks for a path or a method, so that it applies to requests alone. */
  readonly decided: boolean;
}

/** Holds the current generation for the sessions of a listener. They read `current` at the start of each request. */
export interface SessionSlot {
  current: SessionHost;
  /** True when the listener closes: sessions end after their current exchange. */
  draining: boolean;
  /** Every session that is open. */
  readonly sessions: Roster<DrainableSession>;
  /** Takes a session that has ended out of the set. */
  sessionEnded(session: DrainableSession): void;
  readonly deadlines: Deadlines;
}

/** A session that can be drained. */
export interface DrainableSession extends Member {
  /** Ends the session at once if it has no current exchange, else after it. */
  drain(): void;
  /** Ends the session at once. */
  kill(error: ProxyError): void;
}
