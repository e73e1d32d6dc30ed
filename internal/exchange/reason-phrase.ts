import { STATUS_CODES } from 'node:http';

/** The reason phrase of a status (RFC 9110 §15); empty for one that has none, which RFC 9112 §4 allows. */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? '';
}
