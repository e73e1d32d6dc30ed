import type { ProxyError } from '../base/index.ts';
import { Fields, reasonPhrase } from '../message/index.ts';

/** The answer to a failed exchange. */
export interface ErrorAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly body: Buffer;
}

/** The answer to a failed exchange: the reason phrase of the status, and the code that docs/errors.md explains. */
export function errorResponse(error: ProxyError): ErrorAnswer {
  const reason = reasonPhrase(error.status);
  const fields = Fields.of([['Content-Type', 'text/plain; charset=utf-8']]);
  if (error.status === 405) fields.append('Allow', error.allow);
  const text = error.text ?? `${error.status} ${reason} (${error.code})\n`;
  return { status: error.status, reason, fields, body: Buffer.from(text) };
}

/** Whether the status means that the request was malformed, so that the start of the next one is not known. */
export function endsConnection(status: number): boolean {
  return MALFORMED.has(status);
}

const MALFORMED: ReadonlySet<number> = new Set([400, 408, 413, 414, 431, 501, 505]);

/** The status in the log if no head was sent: 499 if the client left, 0 if prox ended the exchange. */
export function unansweredStatus(error: ProxyError): number {
  return error.code === 'client_closed' ? 499 : 0;
}
