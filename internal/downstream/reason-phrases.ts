import { STATUS_CODES } from 'node:http';

/** The standard reason phrase of a status (RFC 9110 §15), empty for one without. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? '';
}
