import { FieldId } from './field-names.ts';
import type { Fields } from './fields.ts';

/** What Connection said (RFC 9110 §7.6.1), as bits. */
export const ConnectionOption = { close: 1, keepAlive: 2, upgrade: 4 } as const;

/**
 * Fields that no Connection option can take away: prox writes them itself, and a client that names them wants the
 * next hop to miss what this one saw.
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
 * Reads Connection and removes the fields that it names, as they are for this hop alone.
 * @returns ConnectionOption bits; 0 without Connection.
 */
export function takeConnectionOptions(fields: Fields): number {
  const list = fields.list(FieldId.connection);
  if (list === null) return 0;
  if (list === 'keep-alive') return ConnectionOption.keepAlive;
  if (list === 'close') return ConnectionOption.close;
  let options = 0;
  // Gathered first: a long list must not cost a walk over all fields for each of its members.
  let named: Set<string> | null = null;
  // OWS alone stands around list members, while `trim` would take a byte 0xA0 for white space too.
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
 * Whether the connection goes on after this message (RFC 9112 §9.3): HTTP/1.1 unless `close` was said, HTTP/1.0 only
 * if `keep-alive` was.
 */
export function persists(options: number, minorVersion: number): boolean {
  if ((options & ConnectionOption.close) !== 0) return false;
  return minorVersion === 1 || (options & ConnectionOption.keepAlive) !== 0;
}
