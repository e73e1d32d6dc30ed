import type { ErrorCode, ProxyError } from '../base/index.ts';

/** A connection that was closed as it did not begin as it has to. */
export interface Refusal {
  readonly service: string;
  readonly client: string;
  readonly error: ProxyError;
  readonly level: 'debug' | 'warn';
  /** Further ones of that kind since the last warning, which were told at `debug`. */
  readonly unwarned: number;
}

/** Milliseconds between two warnings: enough to notice, too few to fill a log. */
const WARNING_INTERVAL_MS = 60_000;

/**
 * What the operator should see: a load balancer that does not send what it is trusted to send, and connections of HTTP/2
 * that end with an error, with whatever many requests are under way on them.
 */
const WARNED: ReadonlySet<ErrorCode> = new Set(['bad_proxy_header', 'h2_broken', 'h2_flood', 'h2_goaway']);

/** Chooses the level for the refusals of a service: anyone can cause them, so that most stay at `debug`. */
export class Refusals {
  private readonly service: string;
  private readonly now: () => number;
  private readonly warnings = new Map<ErrorCode, { at: number; unwarned: number }>();

  /** @param now milliseconds of a monotonic clock */
  constructor(service: string, now: () => number = () => performance.now()) {
    this.service = service;
    this.now = now;
  }

  /** What is to be logged of one more refusal. */
  take(client: string, error: ProxyError): Refusal {
    const { service } = this;
    if (!WARNED.has(error.code)) return { service, client, error, level: 'debug', unwarned: 0 };
    const now = this.now();
    const last = this.warnings.get(error.code);
    if (last !== undefined && now - last.at < WARNING_INTERVAL_MS) {
      last.unwarned++;
      return { service, client, error, level: 'debug', unwarned: 0 };
    }
    this.warnings.set(error.code, { at: now, unwarned: 0 });
    return { service, client, error, level: 'warn', unwarned: last?.unwarned ?? 0 };
  }
}
