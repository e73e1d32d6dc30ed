import { type ProxyError, Roster } from '../../base/index.ts';
import { HandClock } from '../../base/testing/hand-clock.ts';
import { DEFAULT_LIMITS, type ServiceLimits } from '../../config/index.ts';
import {
  type Action,
  compileFilters,
  type Exchange,
  type ExchangeHandler,
  type Filter,
  type RouteContext,
} from '../../exchange/index.ts';
import { Fields } from '../../message/index.ts';
import { Connection, IDLE_HANDLER } from '../../transport/index.ts';
import { MemoryClient } from '../../transport/testing/memory-client.ts';
import { asSocket, type MemoryClientOptions, memoryPair } from '../../transport/testing/memory-socket.ts';
import type { ConnectionHandler } from '../../transport/index.ts';
import type { DrainableSession, HostRoute, SessionHost, SessionSlot } from '../session-host.ts';

/** The settings of a test for its service; all others have the default of the config. */
export interface MemoryService {
  readonly limits?: Partial<ServiceLimits>;
  /** Answers requests; those of a test are kept in `exchanges` when there is none. */
  readonly action?: Action;
  readonly filters?: readonly Filter[];
  /** Routes that are found by a server name, and may relay. */
  readonly hosts?: Readonly<Record<string, HostRoute>>;
  readonly plain?: boolean;
  readonly peeks?: boolean;
  readonly tls?: SessionHost['tls'];
  readonly proxyProtocol?: boolean;
  /** Addresses of trusted proxies. */
  readonly trusted?: readonly string[];
}

/** One generation of a service that records the calls of sessions. */
export class MemoryHost implements SessionHost {
  readonly limits: ServiceLimits;
  readonly headLimits;
  readonly tls: SessionHost['tls'];
  readonly plain: boolean;
  readonly peeks: boolean;
  readonly expectsProxyHeader: boolean;
  readonly unrouted: RouteContext;
  readonly onConnection: SessionHost['onConnection'];
  /** Exchanges and relayed connections that have begun and are not over. */
  underWay = 0;
  /** `failed CODE`, `refused CODE`, `broken CODE`, in order. */
  readonly reports: string[] = [];
  /** Those that no action of the test has answered. */
  readonly exchanges: TakenExchange[] = [];
  private readonly matched: RouteContext;
  private readonly hosts: Readonly<Record<string, HostRoute>>;
  private readonly trusted: readonly string[];

  constructor(service: MemoryService = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...service.limits };
    const { maxHeaderBytes, maxHeaders, maxTargetBytes } = this.limits;
    this.headLimits = { maxHeaderBytes, maxHeaders, maxTargetBytes };
    this.tls = service.tls ?? null;
    this.plain = service.plain ?? true;
    this.peeks = service.peeks ?? false;
    this.expectsProxyHeader = service.proxyProtocol ?? false;
    this.hosts = service.hosts ?? {};
    this.trusted = service.trusted ?? [];
    const take: Action = { takesConnect: true, handle: (exchange) => this.exchanges.push(new TakenExchange(exchange)) };
    this.matched = routeOf(service.action ?? take, service.filters ?? []);
    this.unrouted = routeOf(take, service.filters ?? []);
    this.onConnection = this.unrouted.filters?.onConnection ?? null;
  }

  /** The exchange that was taken last. */
  get last(): TakenExchange {
    const last = this.exchanges.at(-1);
    if (last === undefined) throw new Error('no exchange was taken');
    return last;
  }

  matchHost(host: string): HostRoute | null {
    return this.hosts[host] ?? null;
  }

  /** Every host has a route but `nowhere.test`. */
  route(host: string): RouteContext | null {
    return host === 'nowhere.test' ? null : this.matched;
  }

  trusts(address: string): boolean {
    return this.trusted.includes(address);
  }

  exchangeBegan(): void {
    this.underWay++;
  }

  exchangeEnded(): void {
    this.underWay--;
  }

  sessionBroken(_: string, error: ProxyError): void {
    this.reports.push(`broken ${error.code}`);
  }

  exchangeFailed(_: unknown, error: ProxyError): void {
    this.reports.push(`failed ${error.code}`);
  }

  connectionRefused(_: string, error: ProxyError): void {
    this.reports.push(`refused ${error.code}`);
  }
}

function routeOf(action: Action, filters: readonly Filter[]): RouteContext {
  return {
    id: 'test:0',
    domainPattern: '',
    pathPatterns: [],
    captures: () => ({ domain: '', glob: '' }),
    matchedPath: () => '',
    action,
    filters: compileFilters(filters),
    speed: null,
  };
}

/** An exchange in the hands of a test, with its events: `body TEXT`, `end`, `drain`, `abort CODE`. */
export class TakenExchange implements ExchangeHandler {
  readonly exchange: Exchange;
  readonly events: string[] = [];

  constructor(exchange: Exchange) {
    this.exchange = exchange;
    exchange.handler = this;
  }

  onRequestBody(buffer: Buffer, start: number, end: number): void {
    const text = buffer.toString('latin1', start, end);
    const last = this.events.length - 1;
    if (this.events[last]?.startsWith('body ')) this.events[last] += text;
    else this.events.push(`body ${text}`);
  }

  onRequestFlush(): void {}

  onRequestEnd(trailers: Fields | null): void {
    this.events.push(
      trailers === null ? 'end' : `end ${[...trailers.entries()].map((field) => field.join('=')).join(' ')}`,
    );
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onAbort(error: ProxyError): void {
    this.events.push(`abort ${error.code}`);
  }

  /** Answers with a text. */
  respond(status: number, text = ''): void {
    const body = Buffer.from(text, 'latin1');
    const { exchange } = this;
    exchange.respond(status, REASONS[status] ?? 'Status', new Fields(), body.length);
    exchange.write(body, 0, body.length);
    exchange.end(null);
  }
}

const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 204: 'No Content', 404: 'Not Found' };

/** Takes the body and answers with `METHOD PATH BODY`, a line for each request. */
export const ECHO: Action = {
  handle(exchange) {
    let text = '';
    const answer = (): void => {
      const body = Buffer.from(`${exchange.method} ${exchange.path} ${text}\n`, 'latin1');
      exchange.respond(200, 'OK', new Fields(), body.length);
      exchange.write(body, 0, body.length);
      exchange.end(null);
    };
    if (exchange.requestFraming === 0) return answer();
    exchange.handler = {
      onRequestBody: (buffer, start, end) => void (text += buffer.toString('latin1', start, end)),
      onRequestFlush() {},
      onRequestEnd: answer,
      onDrain() {},
      onAbort() {},
    };
    exchange.resumeRequest();
  },
};

/** The slot of the sessions of a test, with a clock that the test moves. */
export class MemorySlot implements SessionSlot {
  current: MemoryHost;
  draining = false;
  readonly sessions = new Roster<DrainableSession>();
  readonly clock = new HandClock();

  constructor(host: MemoryHost) {
    this.current = host;
  }

  get deadlines(): HandClock['deadlines'] {
    return this.clock.deadlines;
  }

  sessionEnded(session: DrainableSession): void {
    this.sessions.delete(session);
  }

  /** Drains the sessions, as a listener that closes does. */
  drain(): void {
    this.draining = true;
    for (const session of this.sessions.snapshot()) session.drain();
  }

  /** Ends the sessions, as prox does after shutdown_timeout. */
  kill(error: ProxyError): void {
    for (const session of this.sessions.snapshot()) session.kill(error);
  }

  /** A client connects. @param serve gives the accepted connection its handler */
  connect(
    serve: (connection: Connection, slot: MemorySlot) => ConnectionHandler,
    options: MemoryClientOptions = {},
  ): MemoryClient {
    const { accepted, connected } = memoryPair(options);
    const connection = new Connection(asSocket(accepted), this.deadlines, IDLE_HANDLER);
    connection.handler = serve(connection, this);
    return new MemoryClient(connected);
  }
}
