import { type FieldBits, fieldBits, FIELD_IDS, FieldId } from './field-names.ts';

/**
 * Which lines a writer leaves out, by the id of a line (see `Fields.lines`): 0 = none, NEVER_WRITTEN = every line with the
 * id, NOT_PASSED_ON = the received ones.
 */
export type DropTable = Readonly<Uint8Array>;

/** The value of a DropTable for lines that are always left out. */
const NEVER_WRITTEN = 1;

/** The value of a DropTable for lines that are left out if they were received, and written if prox has set them. */
const NOT_PASSED_ON = 2;

/** Set in the note of a line that prox has set: appended or renamed, not received. */
export const SET_HERE = 0x100;

/** The part of a note that is the id. */
export const ID_BITS = FIELD_IDS - 1;

/** A table that leaves out all lines with these ids. Removed lines are always left out. */
export function dropTable(...ids: readonly FieldId[]): DropTable {
  return withRule(new Uint8Array(FIELD_IDS), NEVER_WRITTEN, [...ids, FieldId.removed]);
}

/** A copy of the table that also leaves out all lines with these ids. */
export function without(drop: DropTable, ...ids: readonly FieldId[]): DropTable {
  return withRule(Uint8Array.from(drop), NEVER_WRITTEN, ids);
}

/** A copy of the table that also leaves out received lines with these ids, and writes those that prox has set. */
export function withoutReceived(drop: DropTable, ...ids: readonly FieldId[]): DropTable {
  return withRule(Uint8Array.from(drop), NOT_PASSED_ON, ids);
}

/** Whether a line is left out. @param note its id with the bits of SET_HERE and others */
export function isDropped(drop: DropTable, note: number): boolean {
  const rule = drop[note & ID_BITS];
  return rule !== 0 && (rule === NEVER_WRITTEN || (note & SET_HERE) === 0);
}

function withRule(table: Uint8Array, rule: number, ids: readonly FieldId[]): DropTable {
  for (const id of ids) table[id] = rule;
  return table;
}

/** Leaves out removed lines only. */
export const KEEP_ALL: DropTable = dropTable();

/** Fields that apply to one connection and are not forwarded (RFC 9110 §7.6.1, RFC 9113 §8.2.2). */
const HOP_BY_HOP = [
  FieldId.connection,
  FieldId.http2Settings,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.te,
  FieldId.transferEncoding,
  FieldId.upgrade,
] as const;

/** Fields that make a message of HTTP/2 malformed (RFC 9113 §8.2.2). HTTP2-Settings and `TE: trailers` do not. */
export const CONNECTION_SPECIFIC: FieldBits = fieldBits(
  FieldId.connection,
  FieldId.keepAlive,
  FieldId.proxyConnection,
  FieldId.transferEncoding,
  FieldId.upgrade,
);

/** The head of a request to an upstream, in either protocol. Host is written separately. */
export const REQUEST_DROP: DropTable = dropTable(...HOP_BY_HOP, FieldId.host);

/** The head of a final response, in either protocol. */
export const RESPONSE_DROP: DropTable = dropTable(...HOP_BY_HOP);

/**
 * A head without content or trailers behind it, so without fields that frame them: of an interim response (RFC 9110 §15.2),
 * a 204 or a tunnel (§8.6).
 */
export const EMPTY_RESPONSE_DROP: DropTable = dropTable(...HOP_BY_HOP, FieldId.contentLength, FieldId.trailer);

/**
 * Trailer sections, in both directions and protocols. A recipient may merge them into the fields of the head (RFC 9110
 * §6.5.1), but the head alone has decided about access control and framing. So fields that frame or route a message,
 * describe its way, or are for one hop are left out. None of these names has a meaning in a trailer section.
 */
export const TRAILER_DROP: DropTable = dropTable(
  ...HOP_BY_HOP,
  FieldId.contentLength,
  FieldId.expect,
  FieldId.forwarded,
  FieldId.host,
  FieldId.maxForwards,
  FieldId.trailer,
  FieldId.via,
  FieldId.xForwardedFor,
  FieldId.xForwardedHost,
  FieldId.xForwardedOther,
  FieldId.xForwardedProto,
  FieldId.xRealIp,
);
