import { familyMember, NOT_IN_FILES, type PlaceholderFamily, type PlaceholderName } from '../config/index.ts';
import { FieldId } from '../message/index.ts';
import { cookieValue, fieldValue, queryValue } from './request-values.ts';
import { requestIdOf } from './request-id.ts';
import type { Exchange } from './exchange.ts';
import type { Placeholder, Placeholders } from './template.ts';

const BY_NAME: Readonly<Record<PlaceholderName, Placeholder<Exchange>>> = {
  // The host that routes match on: lower case, no port.
  domain: (exchange) => exchange.host,
  // The domain pattern as configured.
  'domain.pattern': (exchange) => exchange.route.domainPattern,
  // The labels that the `*` of the pattern matched, joined with `.`.
  'match.domain': (exchange) => exchange.route.captures(exchange.host).domain,
  // The labels that `**` matched.
  'match.glob': (exchange) => exchange.route.captures(exchange.host).glob,
  // The path in match form, still percent-encoded. It begins with two slashes only if the config keeps repeated slashes.
  path: (exchange) => exchange.path,
  // The path pattern that matched, as configured.
  'match.path': (exchange) => exchange.route.matchedPath(exchange.path),
  method: (exchange) => exchange.method,
  // The host as the client wrote it, with its port.
  host: (exchange) => exchange.authority,
  // The query as the client sent it, without its `?`.
  query: (exchange) => exchange.query.slice(1),
  // Path and query as an upstream gets them: as the client sent them, with dot segments resolved.
  uri: (exchange) => exchange.forwardPath + exchange.query,
  // The scheme of the client's connection, or the one that a trusted proxy announces.
  scheme: schemeOf,
  // The address of the client behind trusted proxies.
  client: (exchange) => exchange.originAddress,
  // The same id as in the logs.
  request_id: requestIdOf,
  // The distinguished name of the verified client certificate (RFC 4514), empty without one.
  'tls.client.subject': (exchange) => exchange.clientCertificate?.subject ?? '',
  // The SHA-256 digest of that certificate, 64 lower-case hex digits, empty without one.
  'tls.client.fingerprint': (exchange) => exchange.clientCertificate?.fingerprint ?? '',
};

const NAMED: ReadonlyMap<string, Placeholder<Exchange>> = new Map(Object.entries(BY_NAME));

/** Placeholders with a key behind a prefix: `{header.User-Agent}`. The value is empty if the request has nothing of that name. */
const FAMILIES: Readonly<Record<PlaceholderFamily, (key: string) => Placeholder<Exchange>>> = {
  header(key) {
    const lower = key.toLowerCase();
    return ({ requestFields }) => textOf(fieldValue(requestFields, lower));
  },
  // The value as the client sent it, percent-encoded.
  query: (key) => (exchange) => queryValue(exchange.query, key),
  cookie: (key) => (exchange) => textOf(cookieValue(exchange.requestFields, key)),
};

/** The placeholders that every template of a request may use. */
export const EXCHANGE_PLACEHOLDERS: Placeholders<Exchange> = {
  get(name) {
    const member = familyMember(name);
    return member === null ? NAMED.get(name) : FAMILIES[member.family](member.key);
  },
};

/** The placeholders that may stand in the file of a body. */
export const FILE_PLACEHOLDERS: Placeholders<Exchange> = new Map(
  [...NAMED].filter(([name]) => !NOT_IN_FILES.includes(name)),
);

/** Reads bytes beyond ASCII as UTF-8, which nearly every client sends. A field value holds each byte as one character. */
function textOf(value: string): string {
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

/** `http` or `https`. X-Forwarded-Proto of a trusted proxy counts if it is one of the two. */
function schemeOf(exchange: Exchange): string {
  const announced = exchange.trusted ? exchange.requestFields.list(FieldId.xForwardedProto)?.toLowerCase() : undefined;
  if (announced === 'http' || announced === 'https') return announced;
  return exchange.secure ? 'https' : 'http';
}
