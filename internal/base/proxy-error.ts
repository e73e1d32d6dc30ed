import { ERROR_CODES, type ErrorCode, type ErrorSource } from './error-codes.ts';

/** What a ProxyError may carry besides its code. */
export interface ProxyErrorOptions {
  /** The error that this one stands for. */
  readonly cause?: unknown;
  /** True when the same request may be sent again on another connection (RFC 9110 §9.2.2). */
  readonly retryable?: boolean;
  /** True when the upstream is known not to have looked at the request: any method may be sent again (RFC 9113 §8.7). */
  readonly unprocessed?: boolean;
  /** The status to answer with instead of the code's own. */
  readonly status?: number;
  /** The address of the upstream that it is about. */
  readonly upstream?: string;
  /** What the target takes instead, for the Allow of a 405 (RFC 9110 §15.5.6): method names, or empty for none. */
  readonly allow?: string;
}

/**
 * The one error class of prox. `code` says what happened, `source` who caused it, `retryable` whether another
 * connection may be tried; the message is for people and never looked at by code.
 */
export class ProxyError extends Error {
  readonly code: ErrorCode;
  readonly source: ErrorSource;
  readonly retryable: boolean;
  readonly unprocessed: boolean;
  /** The status for the client, 0 when the connection is closed without an answer. */
  readonly status: number;
  /** The address of the upstream that it is about; null where there is none, or its finder does not know it. */
  upstream: string | null;
  /** Value of Allow; of meaning only with status 405. */
  readonly allow: string;

  constructor(code: ErrorCode, message: string, options: ProxyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProxyError';
    this.code = code;
    this.source = ERROR_CODES[code].source;
    this.retryable = options.retryable ?? false;
    this.unprocessed = options.unprocessed ?? false;
    this.status = options.status ?? ERROR_CODES[code].status;
    this.upstream = options.upstream ?? null;
    this.allow = options.allow ?? '';
  }

  /** Makes a ProxyError of whatever was thrown: itself, or `internal` with the thrown value as its cause. */
  static from(thrown: unknown): ProxyError {
    if (thrown instanceof ProxyError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ProxyError('internal', message, { cause: thrown });
  }
}
