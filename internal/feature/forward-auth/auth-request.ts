import type { Exchange } from '../../exchange/index.ts';
import { FieldId, type FieldNames, type Fields, FORWARDED_FAMILY } from '../../message/index.ts';

/** Fields of a client that are never copied into an auth request, in lower case. */
const NEVER_COPIED: ReadonlySet<string> = new Set([
  // Fields of one hop (RFC 9110 §7.6.1), or of a body, which the auth request does not have.
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
  // Conditions and ranges refer to the requested resource, not to the answer of the auth server.
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  // prox writes these itself.
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-method',
  'x-forwarded-proto',
  'x-forwarded-uri',
]);

/** Prefix of the fields that describe content. */
const OF_CONTENT = 'content-';

/** A field that only a trusted proxy may send. */
const REAL_IP = 'x-real-ip';

/**
 * Prefix of the fields in which nginx is often configured to describe the request to an auth server. A client could send
 * such a field to make its request look like another one.
 */
const OF_ORIGINAL = 'x-original-';

/** Whether a field of that name, in lower case, is never copied into an auth request. */
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

  /** The fields of the auth request for an exchange. They do not change with the fields of the exchange. */
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
 * Names with an underscore are copied only if the config names them: CGI, WSGI and PHP read `X_Forwarded_Uri` as
 * `X-Forwarded-Uri` (RFC 3875 §4.1.18).
 */
function omittedOfAll(name: string): boolean {
  return isNeverCopied(name) || name.startsWith(OF_ORIGINAL) || name.includes('_');
}

function omittedBut(chosen: ReadonlySet<string>): (name: string) => boolean {
  return (name) => !chosen.has(name);
}

/** The last member of a list: the nearest proxy has added it. */
function lastOf(list: string | null): string {
  return list === null ? '' : list.slice(list.lastIndexOf(',') + 1).trim();
}
