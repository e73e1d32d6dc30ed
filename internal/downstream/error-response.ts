import type { ProxyError } from '../base/index.ts';
import { Fields, reasonPhrase } from '../message/index.ts';

/** What a failed exchange is answered with. */
export interface ErrorAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly body: Buffer;
}

/** The answer to a failed exchange: what the status means, and the code that docs/errors.md explains. */
export function errorResponse(error: ProxyError): ErrorAnswer {
  const reason = reasonPhrase(error.status);
  const fields = Fields.of([['Content-Type', 'text/plain; charset=utf-8']]);
  if (error.status === 405) fields.append('Allow', error.allow);
  const text = error.text ?? `${error.status} ${reason} (${error.code})\n`;
  return { status: error.status, reason, fields, body: Buffer.from(text) };
}

/** Whether the status means that the request could not be understood, so that where the next one begins is not known. */
export function endsConnection(status: number): boolean {
  return MALFORMED.has(status);
}

const MALFORMED: ReadonlySet<number> = new Set([400, 408, 413, 414, 431, 501, 505]);

/** What the log shows where no head was sent: 499 where it was the client that left, 0 where it was prox that ended it. */
export function unansweredStatus(error: ProxyError): number {
  return error.code === 'client_closed' ? 499 : 0;
}
