/**
 * Why an ask or a query got no answer:
 *
 * - `timeout`: no answer came in time
 * - `gone`: the other side has ended, or is ending
 * - `busy`: too many asks or queries are pending
 * - `unknown_topic`: the other side does not answer that topic
 * - `failed`: the other side could not answer
 */
export type ControlErrorCode = 'timeout' | 'gone' | 'busy' | 'unknown_topic' | 'failed';

/** An ask or a query got no answer. */
export class ControlError extends Error {
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.name = 'ControlError';
    this.code = code;
  }
}

/** An error as it travels between processes. */
export interface SentError {
  readonly code: ControlErrorCode;
  readonly message: string;
}

/** Converts an error of a responder to the form that travels to the other side. */
export function sentErrorOf(error: unknown): SentError {
  if (error instanceof ControlError) return { code: error.code, message: error.message };
  return { code: 'failed', message: error instanceof Error ? error.message : String(error) };
}
