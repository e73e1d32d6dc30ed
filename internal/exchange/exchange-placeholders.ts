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
  // What the `*` of the pattern stand for, joined with `.`.
  'match.domain': (exchange) => exchange.route.captures(exchange.host).domain,
  // What `**` stands for.
  'match.glob': (exchange) => exchange.route.captures(exchange.host).glob,
  // The path in match form, still percent-encoded: it never begins with two slashes, unless the config wants it so.
  path: (exchange) => exchange.path,
  // The path pattern that matched, as configured.
  'match.path': (exchange) => exchange.route.matchedPath(exchange.path),
  method: (exchange) => exchange.method,
  // The host as the client wrote it, with its port.
  host: (exchange) => exchange.authority,
  // The query as the client sent it, without its `?`.
  query: (exchange) => exchange.query.slice(1),
  // Path and query as an upstream gets them, and so as the client sent them but for dot segments.
  uri: (exchange) => exchange.forwardPath + exchange.query,
  // Of the client's connection, or as a trusted proxy says.
  scheme: schemeOf,
  // The address of the client behind trusted proxies.
  client: (exchange) => exchange.originAddress,
  // As the logs have it.
  request_id: requestIdOf,
  // The distinguished name of the verified client certificate (RFC 4514), empty without one.
  'tls.client.subject': (exchange) => exchange.clientCertificate?.subject ?? '',
  // SHA-256 of it, 64 lower-case hex digits, empty without one.
  'tls.client.fingerprint': (exchange) => exchange.clientCertificate?.fingerprint ?? '',
};

const NAMED: ReadonlyMap<string, Placeholder<Exchange>> = new Map(Object.entries(BY_NAME));

/** Those whose names go on: `{header.User-Agent}`. The value is empty where the request has none of that name. */
const FAMILIES: Readonly<Record<PlaceholderFamily, (key: string) => Placeholder<Exchange>>> = {
  header(key) {
    const lower = key.toLowerCase();
    return ({ requestFields }) => textOf(fieldValue(requestFields, lower));
  },
  // As it is sent, percent-encoded.
  query: (key) => (exchange) => queryValue(exchange.query, key),
  cookie: (key) => (exchange) => textOf(cookieValue(exchange.requestFields, key)),
};

/** The placeholders that every template about a request knows. */
export const EXCHANGE_PLACEHOLDERS: Placeholders<Exchange> = {
  get(name) {
    const member = familyMember(name);
    return member === null ? NAMED.get(name) : FAMILIES[member.family](member.key);
  },
};

/** Those that files of bodies may hold. */
export const FILE_PLACEHOLDERS: Placeholders<Exchange> = new Map(
  [...NAMED].filter(([name]) => !NOT_IN_FILES.includes(name)),
);

/** Bytes beyond ASCII are UTF-8, as nearly all that send any mean them; on the wire each is a character. */
function textOf(value: string): string {
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

/** `http` or `https`: what a trusted proxy says is believed when it is one of the two. */
function schemeOf(exchange: Exchange): string {
  const announced = exchange.trusted ? exchange.requestFields.list(FieldId.xForwardedProto)?.toLowerCase() : undefined;
  if (announced === 'http' || announced === 'https') return announced;
  return exchange.secure ? 'https' : 'http';
}
