import { FieldId } from './field-names.ts';
import type { Fields } from './fields.ts';

/** The options of Connection (RFC 9110 §7.6.1), as bits. */
export const ConnectionOption = { close: 1, keepAlive: 2, upgrade: 4 } as const;

/**
 * Fields that no Connection option removes: prox writes them itself, and a client that names them tries to hide from the
 * next hop what this one has seen.
 */
const KEPT = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
]);

/**
 * Reads Connection and removes the fields that it names: they are for this hop alone.
 * @returns ConnectionOption bits; 0 without Connection.
 */
export function takeConnectionOptions(fields: Fields): number {
  const list = fields.list(FieldId.connection);
  if (list === null) return 0;
  if (list === 'keep-alive') return ConnectionOption.keepAlive;
  if (list === 'close') return ConnectionOption.close;
  let options = 0;
  // The names are collected first, so that a long list does not cost a walk over all fields for each member.
  let named: Set<string> | null = null;
  // Only OWS may stand around list members; `trim` would also remove a byte 0xA0.
  for (const option of list.toLowerCase().split(/[ \t]*,[ \t]*/)) {
    if (option === 'close') options |= ConnectionOption.close;
    else if (option === 'keep-alive') options |= ConnectionOption.keepAlive;
    else if (option === 'upgrade') options |= ConnectionOption.upgrade;
    else if (option !== '' && !KEPT.has(option)) (named ??= new Set()).add(option);
  }
  if (named !== null) fields.removeAll(named);
  return options;
}

/**
 * Whether the connection persists after this message (RFC 9112 §9.3): in HTTP/1.1 unless it has the option `close`, in
 * HTTP/1.0 only with `keep-alive`.
 */
export function persists(options: number, minorVersion: number): boolean {
  if ((options & ConnectionOption.close) !== 0) return false;
  return minorVersion === 1 || (options & ConnectionOption.keepAlive) !== 0;
}
