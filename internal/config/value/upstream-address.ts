import { InvalidValue, quote } from './invalid-value.ts';
import { isIPv6 } from './ip-address.ts';

const PROXY_FORMS = '"host:port", "http://host", "https://host" or "unix:///path"';
const PASS_FORMS = '"host:port" or "unix:///path"';

const AUTHORITY = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;

/**
 * Checks the upstream of a proxy action once its template is filled.
 *
 * @throws InvalidValue
 */
export function checkProxyUpstream(text: string): void {
  if (text.startsWith('unix:')) return checkUnix(text, PROXY_FORMS);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null && !/^(?:https?|wss?)$/i.test(scheme[1]))
    throw refusal(PROXY_FORMS, text, `the scheme \`${scheme[1]}\` is not known here`);
  const [, authority = '', path = ''] = /^([^/]*)(\/[^]*)?$/.exec(text.slice(scheme?.[0].length ?? 0)) ?? [];
  const why = authorityProblem(authority, false);
  if (why !== null) throw refusal(PROXY_FORMS, text, why);
  if (/[?#]/.test(authority + path)) throw refusal(PROXY_FORMS, text, 'a query or a fragment has no place in it');
  if (!/^[\x21-\x7a|~]*$/.test(path)) throw refusal(PROXY_FORMS, text, 'the path must be percent-encoded ASCII');
}

/**
 * Checks the upstream of a pass action once its template is filled.
 *
 * @throws InvalidValue
 */
export function checkPassUpstream(text: string): void {
  if (text.startsWith('unix:')) return checkUnix(text, PASS_FORMS);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null) throw refusal(PASS_FORMS, text, `the scheme \`${scheme[1]}\` is not known here`);
  const why = authorityProblem(text, true);
  if (why !== null) throw refusal(PASS_FORMS, text, why);
}

function authorityProblem(authority: string, portNeeded: boolean): string | null {
  if (authority === '') return 'the host is missing';
  if (authority.includes('@')) return 'a user name has no place in it; set the header Authorization instead';
  const match = AUTHORITY.exec(authority);
  if (match === null)
    return isIPv6(authority) ? 'an IPv6 address goes in brackets' : 'the host or the port is malformed';
  const [, v6, , port] = match;
  if (v6 !== undefined && !isIPv6(v6)) return 'no IPv6 address stands in the brackets';
  if (port === undefined) return portNeeded ? 'the port is missing' : null;
  return Number(port) < 1 || Number(port) > 65535 ? 'the port must be from 1 to 65535' : null;
}

function checkUnix(text: string, forms: string): void {
  if (!/^unix:\/\/\/[^\0]*[^\0/]$/.test(text)) throw refusal(forms, text, 'a socket is "unix://" and an absolute path');
}

function refusal(forms: string, text: string, why: string): InvalidValue {
  return new InvalidValue(`expected ${forms}, found ${quote(text)}: ${why}`);
}
