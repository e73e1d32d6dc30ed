/**
 * Field names that a proxy acts on. Each has a small number, so that the parser can note what a head holds in one
 * bit each, and the writer can leave fields out by looking in a table.
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
  /** A field that was removed after parsing. */
  removed: 31,
} as const;

/** The number of a known field name. */
export type FieldId = (typeof FieldId)[keyof typeof FieldId];

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
];

/** Slots of the hash table: enough that the known names share none (checked below). */
const SLOTS = 1024;
const SLOT_ID = new Uint8Array(SLOTS);
const SLOT_NAME: string[] = Array.from({ length: SLOTS }, () => '');

/** One step of the hash over the lower-cased bytes of a name; starts from 0. */
export function hashStep(hash: number, lowerByte: number): number {
  return (Math.imul(hash, 31) + lowerByte) | 0;
}

/** The candidate for a hash: the only known name that it can be, or 0. `knownName` has to be compared. */
export function candidateId(hash: number): number {
  return SLOT_ID[hash & (SLOTS - 1)] as number;
}

/** The known name in the slot of a hash, in lower case; empty when there is none. */
export function candidateName(hash: number): string {
  return SLOT_NAME[hash & (SLOTS - 1)] as string;
}

/** The id of a name in lower case. */
export function fieldIdOf(lowerName: string): FieldId {
  return NAME_TO_ID.get(lowerName) ?? FieldId.other;
}

const NAME_TO_ID = new Map<string, FieldId>(KNOWN_NAMES);

for (const [name, id] of KNOWN_NAMES) {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = hashStep(hash, name.charCodeAt(i));
  const slot = hash & (SLOTS - 1);
  if (SLOT_ID[slot] !== 0) throw new Error(`known field names ${name} and ${SLOT_NAME[slot]} share a slot`);
  SLOT_ID[slot] = id;
  SLOT_NAME[slot] = name;
}

/** A table for `Fields.lines`: 1 for every id that is left out. Removed fields are always left out. */
export function dropTable(...ids: readonly FieldId[]): Uint8Array {
  const drop = new Uint8Array(32);
  for (const id of [...ids, FieldId.removed]) drop[id] = 1;
  return drop;
}
