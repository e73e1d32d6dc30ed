import type { Exchange } from '../../exchange/index.ts';
import { FieldId, type FieldNames, type Fields, FORWARDED_FAMILY } from '../../message/index.ts';

/** Fields of a client that no auth request has, in lower case. */
const NEVER_COPIED: ReadonlySet<string> = new Set([
  // For one hop (RFC 9110 §7.6.1), or about a body that the auth request does not have.
  'connection',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // The auth server is asked about this request, not for a part or a newer version of a page of its own.
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  // Written anew.
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-method',
  'x-forwarded-proto',
  'x-forwarded-uri',
]);

/** What describes content begins with this. */
const OF_CONTENT = 'content-';

/** What only a trusted proxy may say of its client. */
const REAL_IP = 'x-real-ip';

/**
 * How nginx is often made to tell an auth server what was asked for. A client that sends such a field wants to be taken
 * for another request.
 */
const OF_ORIGINAL = 'x-original-';

/** Whether a field of that name, in lower case, goes with no auth request. */
export function isNeverCopied(name: string): boolean {
  return NEVER_COPIED.has(name) || name.startsWith(OF_CONTENT);
}

/** The fields of auth requests. */
export class AuthRequestFields {
  private readonly omittedOfTrusted: FieldNames;
  private readonly omittedOfOthers: FieldNames;

  /** @param chosen names in lower case that may be copied; null for all */
  constructor(chosen: readonly string[] | null) {
    const omitted = chosen === null ? omittedOfAll : omittedBut(new Set(chosen));
    this.omittedOfTrusted = { has: omitted };
    this.omittedOfOthers = { has: (name) => omitted(name) || name.startsWith(FORWARDED_FAMILY) || name === REAL_IP };
  }

  /** The fields of the request that asks about an exchange. They do not change with it. */
  of(exchange: Exchange): Fields {
    const { trusted, requestFields } = exchange;
    const fields = requestFields.copy();
    fields.removeAll(trusted ? this.omittedOfTrusted : this.omittedOfOthers);
    fields.append('X-Forwarded-Method', exchange.method);
    const uri = uriOf(exchange);
    if (uri !== '') fields.append('X-Forwarded-Uri', uri);
    const host = (trusted ? lastOf(requestFields.list(FieldId.xForwardedHost)) : '') || exchange.authority;
    if (host !== '') fields.append('X-Forwarded-Host', host);
    fields.append('X-Forwarded-For', exchange.originAddress);
    const proto = trusted ? lastOf(requestFields.list(FieldId.xForwardedProto)) : '';
    fields.append('X-Forwarded-Proto', proto || (exchange.secure ? 'https' : 'http'));
    return fields;
  }
}

/** Path and query as the client sent them; empty for CONNECT, which has neither. */
function uriOf({ path, forwardPath, query }: Exchange): string {
  return path === '*' ? path : forwardPath + query;
}

/**
 * Names with an underscore go only where they are asked for: CGI, WSGI and PHP read `X_Forwarded_Uri` as
 * `X-Forwarded-Uri` (RFC 3875 §4.1.18).
 */
function omittedOfAll(name: string): boolean {
  return isNeverCopied(name) || name.startsWith(OF_ORIGINAL) || name.includes('_');
}

function omittedBut(chosen: ReadonlySet<string>): (name: string) => boolean {
  return (name) => !chosen.has(name);
}

/** The last member of a list: what the nearest proxy says. */
function lastOf(list: string | null): string {
  return list === null ? '' : list.slice(list.lastIndexOf(',') + 1).trim();
}
