import { cgiName, type FieldNames, FORWARDED_FAMILY } from '../message/index.ts';

/** Names that prox always writes for an upstream or acts on, in the form of `cgiName`: with `-` for `_`. */
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
 * Names that identify the sender of a request or control its handling. An upstream may merge trailers into the fields (RFC
 * 9110 §6.5.1), but filters and access control have checked the fields alone.
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

/** Names of the client's fields that are not forwarded, because the config or prox sets them. */
export interface OwnedNames {
  /** The names that the config sets; null for none, which saves comparing every name. */
  readonly omitted: FieldNames | null;
  /**
   * The same for requests with underscores in names. CGI, WSGI and PHP read `X_Client` and `X-Client` as one variable (RFC
   * 3875 §4.1.18), so a client could override a field that the config sets.
   */
  readonly withUnderscores: FieldNames;
  /** The names that are not forwarded in a trailer section. */
  readonly trailers: FieldNames;
}

/** @param configured names that the config sets @param underscores whether other names with underscores are forwarded */
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
