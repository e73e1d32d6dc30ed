import type { ErrorCode, ProxyError } from '../base/index.ts';

/** A connection that was closed because of an invalid beginning. */
export interface Refusal {
  readonly service: string;
  readonly client: string;
  readonly error: ProxyError;
  readonly level: 'debug' | 'warn';
  /** Number of further refusals of this kind since the last warning, which were logged at `debug`. */
  readonly unwarned: number;
}

/** Milliseconds between two warnings: often enough to be noticed, and too seldom to fill a log. */
const WARNING_INTERVAL_MS = 60_000;

/**
 * Codes that the operator should see: a load balancer that does not send its PROXY header, and HTTP/2 connections that
 * end with an error, together with all requests that are in flight on them.
 */
const WARNED: ReadonlySet<ErrorCode> = new Set(['bad_proxy_header', 'h2_broken', 'h2_flood', 'h2_goaway']);

/** Chooses the log level for the refusals of a service. Any client can cause them, so most are logged at `debug`. */
export class Refusals {
  private readonly service: string;
  private readonly now: () => number;
  private readonly warnings = new Map<ErrorCode, { at: number; unwarned: number }>();

  /** @param now milliseconds of a monotonic clock */
  constructor(service: string, now: () => number = () => performance.now()) {
    this.service = service;
    this.now = now;
  }

  /** Returns what to log about one more refusal. */
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
