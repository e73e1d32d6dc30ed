import { ProxyError } from '../base/index.ts';
import type { RequestHead } from '../exchange/index.ts';
import { isAuthority, isToken } from '../message/index.ts';

/** Visible ASCII except `#` (RFC 9112 §3.2). The path may be `*`, and is empty for CONNECT. */
const PATH = /^(?:\/[!"$-~]*|\*)?$/;
const QUERY = /^(?:\?[!"$-~]*)?$/;

/**
 * Checks the parts of a request that filters may set, except its fields: with a line end or a space in one of them the
 * upstream would read a different request.
 * @throws ProxyError internal
 */
export function checkEditedRequest({ method, forwardPath, query, authority }: RequestHead): void {
  if (!isToken(method)) throw edited('method', method);
  if (!PATH.test(forwardPath) || forwardPath.includes('?')) throw edited('path', forwardPath);
  if (!QUERY.test(query)) throw edited('query', query);
  if (authority !== '' && !isAuthority(authority)) throw edited('authority', authority);
}

function edited(part: string, value: string): ProxyError {
  return new ProxyError('internal', `a filter has set a ${part} that cannot be sent: ${JSON.stringify(value)}`);
}
