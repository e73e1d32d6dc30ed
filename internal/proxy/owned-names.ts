import { cgiName, type FieldNames, FORWARDED_FAMILY } from '../message/index.ts';

/** Names that prox writes for an upstream, or acts on, whatever the config says; as CGI reads them, `-` for `_`. */
const NAMES_OF_PROX = [
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
] as const;

/**
 * Names that say who sent a request, or what is to be done with it. Upstreams may merge trailers into fields, after filters
 * and access control have looked at the fields alone (RFC 9110 §6.5.1).
 */
const NAMES_OF_HEADS = [
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'proxy-authorization',
  'range',
] as const;

/** Which names of the client's fields do not go on, as the config or prox sets them. */
export interface OwnedNames {
  /** Those that the config sets; null for none, which spares the look at every name. */
  readonly omitted: FieldNames | null;
  /**
   * The same where names hold underscores. CGI, WSGI and PHP read `X_Client` and `X-Client` as one variable (RFC 3875
   * §4.1.18), so that a client could set a field behind the back of the config.
   */
  readonly withUnderscores: FieldNames;
  /** Of a trailer section. */
  readonly trailers: FieldNames;
}

/** @param configured names that the config sets; @param underscores whether other names with underscores go on */
export function ownedNames(configured: readonly string[], underscores: boolean): OwnedNames {
  const lower = configured.map((name) => name.toLowerCase());
  const plain = new Set([...lower, ...lower.map(cgiName)]);
  const owned = new Set([...plain, ...NAMES_OF_PROX]);
  const kept = (name: string): boolean => !owned.has(cgiName(name)) && !cgiName(name).startsWith(FORWARDED_FAMILY);
  const heads: ReadonlySet<string> = new Set(NAMES_OF_HEADS);
  return {
    omitted: plain.size === 0 ? null : plain,
    withUnderscores: { has: (name) => (name.includes('_') ? !underscores || !kept(name) : plain.has(name)) },
    trailers: {
      has: (name) => !kept(name) || heads.has(cgiName(name)) || (!underscores && name.includes('_')),
    },
  };
}
