const UPPER_A = 65;
const UPPER_Z = 90;
const COLON = 58;
const OPEN_BRACKET = 91;
const DOT = 46;

/**
 * The host of an authority (`host`, `host:port`, `[::1]:80`; RFC 3986 §3.2) in the form that the router compares: lower
 * case, without the port and without one trailing dot. An IPv6 literal keeps its brackets. If nothing changes, which is
 * the common case, the same string is returned.
 *
 * The authority must already be checked: everything after the first colon (or the closing bracket) is dropped without a
 * check. Percent-encoding is not decoded. No domain pattern contains any, so an encoded name matches no domain.
 */
export function normalizeHost(authority: string): string {
  const length = authority.length;
  if (authority.charCodeAt(0) === OPEN_BRACKET) return bracketedHost(authority);
  let end = length;
  let upper = false;
  for (let i = 0; i < length; i++) {
    const c = authority.charCodeAt(i);
    if (c === COLON) {
      end = i;
      break;
    }
    if (c >= UPPER_A && c <= UPPER_Z) upper = true;
  }
  if (end > 0 && authority.charCodeAt(end - 1) === DOT) end--;
  const host = end === length ? authority : authority.slice(0, end);
  return upper ? host.toLowerCase() : host;
}

function bracketedHost(authority: string): string {
  const close = authority.indexOf(']');
  return (close < 0 ? authority : authority.slice(0, close + 1)).toLowerCase();
}
