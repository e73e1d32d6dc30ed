import { ProxyError } from '../../base/index.ts';
import { type RequestHeadReader } from '../../http1/index.ts';
import {
  ConnectionOption,
  fieldBits,
  FieldId,
  type Fields,
  isNormalPath,
  NO_BODY,
  type PathFault,
  pathForms,
  type PathRules,
  persists,
  readTarget,
  requestFraming,
  takeConnectionOptions,
} from '../../message/index.ts';
import { normalizeHost } from '../../router/index.ts';
import type { Http1Exchange } from './http1-exchange.ts';

const NEEDS_A_LOOK = fieldBits(FieldId.expect, FieldId.upgrade);

/**
 * Fills an exchange from a head. Finds every fault of the request as a whole.
 * @throws ProxyError
 */
export function describeRequest(reader: RequestHeadReader, exchange: Http1Exchange): void {
  const { fields } = reader;
  exchange.method = reader.method;
  exchange.modern = reader.minorVersion === 1;
  const framing = requestFraming(fields, reader.minorVersion);
  // RFC 9110 §9.3.6: CONNECT has no content; the bytes behind it belong to the tunnel.
  if (reader.method === 'CONNECT' && framing !== NO_BODY) throw new ProxyError('bad_framing', 'CONNECT with a body');
  readTarget(reader, exchange);
  exchange.host = normalizeHost(exchange.authority);
  exchange.forwardPath = exchange.path;
  if (reader.mayNeedNormalizing) readPath(exchange, exchange.service.limits);
  if (reader.beyondAscii) exchange.query = encodeBeyondAscii(exchange.query);
  const options = takeConnectionOptions(fields);
  exchange.persistent = persists(options, reader.minorVersion);
  exchange.requestFraming = framing;
  if (!fields.holdsAny(NEEDS_A_LOOK) || !exchange.modern) return;
  if (fields.list(FieldId.expect) !== null) exchange.expectsContinue = framing !== NO_BODY;
  // RFC 9110 §7.8: an upgrade may be ignored. prox ignores one with a body, or to h2c: both allow request smuggling.
  const upgrade = fields.list(FieldId.upgrade);
  if (upgrade === null || (options & ConnectionOption.upgrade) === 0) return;
  if (framing === NO_BODY && !/\bh2c\b/i.test(upgrade)) exchange.upgrade = upgrade;
}

/**
 * Expect (RFC 9110 §10.1.1): 100-continue is the only defined value.
 * @throws ProxyError bad_expect
 */
export function checkExpectation(exchange: { readonly modern: boolean; readonly requestFields: Fields }): void {
  if (!exchange.modern) return;
  const expectation = exchange.requestFields.list(FieldId.expect);
  if (expectation === null || expectation.toLowerCase() === '100-continue') return;
  throw new ProxyError('bad_expect', `Expect: ${expectation}`);
}

const FAULTS: Readonly<Record<PathFault, string>> = {
  malformed: 'a malformed percent-encoding in the path',
  dots: 'an encoded slash beside a dot segment: servers read such a path in different ways',
  separator: 'an encoded slash, which `encoded_slashes: "refuse"` does not take',
};

/**
 * Converts the received path to the form that routes match on and the form that upstreams get.
 * @throws ProxyError bad_target
 */
export function readPath(exchange: { path: string; forwardPath: string }, rules: PathRules): void {
  const sent = exchange.path;
  // CONNECT has none.
  if (sent === '' || isNormalPath(sent)) return;
  const forms = pathForms(sent, rules);
  if (typeof forms === 'string') throw new ProxyError('bad_target', FAULTS[forms]);
  exchange.path = forms.match;
  exchange.forwardPath = forms.forward;
}

/** The query with each byte beyond ASCII percent-encoded: no URI holds it as itself (RFC 3986 §2.1). */
export function encodeBeyondAscii(query: string): string {
  return query.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
