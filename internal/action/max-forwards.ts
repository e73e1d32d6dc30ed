import { ProxyError } from '../base/index.ts';
import type { Exchange } from '../exchange/index.ts';
import { FieldId, Fields, NO_BODY } from '../http1/index.ts';

/**
 * Max-Forwards (RFC 9110 §7.6.2) of TRACE and OPTIONS: one hop is spent; when none is left, prox is the recipient.
 * @returns whether the request goes on.
 * @throws ProxyError bad_field_line, method_not_allowed
 */
export function spendForward(exchange: Exchange): boolean {
  const { requestFields: fields, method } = exchange;
  if ((fields.present & (1 << FieldId.maxForwards)) === 0) return true;
  if (method !== 'TRACE' && method !== 'OPTIONS') return true;
  const value = fields.list(FieldId.maxForwards) as string;
  if (!/^[0-9]{1,9}$/.test(value)) throw new ProxyError('bad_field_line', `Max-Forwards: ${value}`);
  const left = Number(value);
  if (left > 0) {
    fields.set('Max-Forwards', String(left - 1));
    return true;
  }
  if (method === 'TRACE') throw new ProxyError('method_not_allowed', 'TRACE is not answered by prox itself');
  exchange.respond(204, 'No Content', new Fields(), NO_BODY);
  exchange.end(null);
  return false;
}
