import { ERROR_CODES, type ErrorCode, type ErrorSource } from './error-codes.ts';

/** The optional parts of a ProxyError. */
export interface ProxyErrorOptions {
  /** The error that caused this one. */
  readonly cause?: unknown;
  /** True if the same request may be sent again on another connection (RFC 9110 §9.2.2). */
  readonly retryable?: boolean;
  /** True if the upstream has certainly not processed the request: any method may be sent again (RFC 9113 §8.7). */
  readonly unprocessed?: boolean;
  /** The status of the answer, if it differs from the one of the code. */
  readonly status?: number;
  /** The address of the upstream that it is about. */
  readonly upstream?: string;
  /** The methods that the target allows, for the Allow field of a 405 (RFC 9110 §15.5.6); empty for none. */
  readonly allow?: string;
  /** What the client reads instead of the status and the code. */
  readonly text?: string;
}

/**
 * The error class for everything that users see. `code` says what happened, `source` which side caused it, and
 * `retryable` whether the request may be sent on another connection. The message is for people; code never examines it.
 */
export class ProxyError extends Error {
  readonly code: ErrorCode;
  readonly source: ErrorSource;
  readonly retryable: boolean;
  readonly unprocessed: boolean;
  /** The status for the client; 0 if the connection is closed without an answer. */
  readonly status: number;
  /**
   * The address of the upstream that the error concerns; null if there is none, or if the code that made the error does
   * not know it.
   */
  upstream: string | null;
  /** Value of the Allow field; used only with status 405. */
  readonly allow: string;
  /** The body of the answer; null for one that names the status and the code. */
  readonly text: string | null;

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
    this.text = options.text ?? null;
  }

  /**
   * Turns a thrown value into a ProxyError: returns a ProxyError unchanged, and wraps anything else in `internal` as
   * its cause.
   */
  static from(thrown: unknown): ProxyError {
    if (thrown instanceof ProxyError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ProxyError('internal', message, { cause: thrown });
  }
}
