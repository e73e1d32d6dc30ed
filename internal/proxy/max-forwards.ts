import { ProxyError } from '../base/index.ts';
import type { Exchange } from '../exchange/index.ts';
import { FieldId, Fields, NO_BODY } from '../message/index.ts';

/**
 * Max-Forwards (RFC 9110 §7.6.2) of TRACE and OPTIONS: if no forward is left, prox is the recipient and answers.
 * @returns whether the request may be forwarded
 * @throws ProxyError bad_field_line, method_not_allowed
 */
export function mayForward(exchange: Exchange): boolean {
  const { requestFields: fields, method } = exchange;
  if (!fields.holds(FieldId.maxForwards) || !isCounted(method)) return true;
  const value = fields.list(FieldId.maxForwards) as string;
  if (!/^[0-9]{1,9}$/.test(value)) throw new ProxyError('bad_field_line', `Max-Forwards: ${value}`);
  if (Number(value) > 0) return true;
  if (method === 'TRACE') {
    throw new ProxyError('method_not_allowed', 'TRACE is not answered by prox itself', { allow: 'OPTIONS' });
  }
  exchange.respond(204, 'No Content', new Fields(), NO_BODY);
  exchange.end(null);
  return false;
}

/**
 * The line for the next hop, or empty. All attempts together use up one forward, those of a fallback included, because the
 * fields of the exchange stay as the client sent them.
 */
export function maxForwardsLine(fields: Fields, method: string): string {
  if (!fields.holds(FieldId.maxForwards)) return '';
  const value = fields.list(FieldId.maxForwards);
  if (value === null) return '';
  return `Max-Forwards: ${isCounted(method) ? Number(value) - 1 : value}\r\n`;
}

function isCounted(method: string): boolean {
  return method === 'TRACE' || method === 'OPTIONS';
}
