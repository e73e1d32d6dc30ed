import { TOKEN_LOWER } from './characters.ts';

/**
 * Field names that a proxy acts on. Each has a number. The parser stores it with the line, so that the writer can decide with
 * one table lookup whether to leave the line out. Each number from 1 to 31 also has a bit, which tells without a search
 * whether a message holds such a field. Names that prox looks for in every request therefore have low numbers.
 */
export const FieldId = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  expect: 5,
  upgrade: 6,
  te: 7,
  trailer: 8,
  keepAlive: 9,
  proxyConnection: 10,
  forwarded: 11,
  xForwardedFor: 12,
  xForwardedHost: 13,
  xForwardedProto: 14,
  via: 15,
  maxForwards: 16,
  userAgent: 17,
  referer: 18,
  date: 19,
  server: 20,
  http2Settings: 21,
  xRealIp: 22,
  /** Any other name that begins with `X-Forwarded-`. It stands for several names, so it cannot have a bit. */
  xForwardedOther: 32,
  /** A line that was removed. */
  removed: 255,
} as const;

/** The number of a known field name. */
export type FieldId = (typeof FieldId)[keyof typeof FieldId];

/** Numbers that an id can have. */
export const FIELD_IDS = 256;

/** Ids from here on have no bit. */
export const FIRST_WITHOUT_BIT = 32;

/** A set of ids, one bit for each: see `fieldBits`. */
export type FieldBits = number;

/** For `Fields.holdsAny`. @throws RangeError for an id that has no bit */
export function fieldBits(...ids: readonly FieldId[]): FieldBits {
  const without = ids.find((id) => id === FieldId.other || id >= FIRST_WITHOUT_BIT);
  if (without !== undefined) throw new RangeError(`the field id ${without} has no bit`);
  return ids.reduce<number>((bits, id) => bits | (1 << id), 0);
}

const KNOWN_NAMES: readonly (readonly [string, FieldId])[] = [
  ['host', FieldId.host],
  ['connection', FieldId.connection],
  ['content-length', FieldId.contentLength],
  ['transfer-encoding', FieldId.transferEncoding],
  ['expect', FieldId.expect],
  ['upgrade', FieldId.upgrade],
  ['te', FieldId.te],
  ['trailer', FieldId.trailer],
  ['keep-alive', FieldId.keepAlive],
  ['proxy-connection', FieldId.proxyConnection],
  ['forwarded', FieldId.forwarded],
  ['x-forwarded-for', FieldId.xForwardedFor],
  ['x-forwarded-host', FieldId.xForwardedHost],
  ['x-forwarded-proto', FieldId.xForwardedProto],
  ['via', FieldId.via],
  ['max-forwards', FieldId.maxForwards],
  ['user-agent', FieldId.userAgent],
  ['referer', FieldId.referer],
  ['date', FieldId.date],
  ['server', FieldId.server],
  ['http2-settings', FieldId.http2Settings],
  ['x-real-ip', FieldId.xRealIp],
];

/** The prefix of names that proxies use among themselves, for the port, the path prefix, the scheme and more. */
export const FORWARDED_FAMILY = 'x-forwarded-';
const FIRST_OF_FAMILY = FORWARDED_FAMILY.charCodeAt(0);

/** Slots of the hash table. With so many, no two known names share a slot (checked below). */
const SLOTS = 1024;
const SLOT_ID = new Uint8Array(SLOTS);
const SLOT_NAME: string[] = Array.from({ length: SLOTS }, () => '');

/** Length, first and last byte tell the known names apart: cheaper than a hash over every byte of every name. */
function slotOf(length: number, first: number, last: number): number {
  return (length * 37 + first * 5 + last * 11) & (SLOTS - 1);
}

/** The id of the name between two positions of the buffer, compared without case. The name is not empty. */
export function fieldIdAt(buffer: Buffer, start: number, end: number): number {
  // 0x20 makes letters lower case; it may change other bytes, but then the comparison fails.
  const slot = slotOf(end - start, buffer[start] | 0x20, buffer[end - 1] | 0x20);
  const id = SLOT_ID[slot];
  if (id !== FieldId.other) {
    const name = SLOT_NAME[slot];
    if (name.length === end - start && beginsWith(buffer, start, name)) return id;
  }
  const forwarded = TOKEN_LOWER[buffer[start]] === FIRST_OF_FAMILY && end - start > FORWARDED_FAMILY.length;
  return forwarded && beginsWith(buffer, start, FORWARDED_FAMILY) ? FieldId.xForwardedOther : FieldId.other;
}

/** Whether a text in lower case stands at the position, in any case. The buffer is long enough. */
function beginsWith(buffer: Buffer, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (TOKEN_LOWER[buffer[start + i]] !== lower.charCodeAt(i)) return false;
  }
  return true;
}

for (const [name, id] of KNOWN_NAMES) {
  const slot = slotOf(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1));
  if (SLOT_ID[slot] !== 0) throw new Error(`known field names ${name} and ${SLOT_NAME[slot]} share a slot`);
  SLOT_ID[slot] = id;
  SLOT_NAME[slot] = name;
}

/** The id of a name, compared without case. */
export function fieldIdOf(name: string): FieldId {
  const { length } = name;
  if (length === 0) return FieldId.other;
  const slot = slotOf(length, name.charCodeAt(0) | 0x20, name.charCodeAt(length - 1) | 0x20);
  if (SLOT_NAME[slot].length === length && SLOT_NAME[slot] === name.toLowerCase()) return SLOT_ID[slot] as FieldId;
  const forwarded = (name.charCodeAt(0) | 0x20) === FIRST_OF_FAMILY && length > FORWARDED_FAMILY.length;
  return forwarded && name.slice(0, FORWARDED_FAMILY.length).toLowerCase() === FORWARDED_FAMILY
    ? FieldId.xForwardedOther
    : FieldId.other;
}
