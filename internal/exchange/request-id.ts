import { requestIds, type AccessRecord } from '../logger/index.ts';
import { Slot, type SlotHolder } from './slot.ts';

/** Slot 0 of every exchange. SlotNumbers begins with 1. */
const REQUEST_ID = new Slot<string>(0);

/** An exchange, or a part of it, that has a request id. */
export interface Identified extends SlotHolder {
  readonly record: AccessRecord | null;
}

/** The id of a request: the one that a filter has set, else one that this call makes. The access log has the same id. */
export function requestIdOf(exchange: Identified): string {
  const given = REQUEST_ID.get(exchange);
  if (given !== undefined) return given;
  const made = exchange.record?.requestId ?? requestIds.next();
  REQUEST_ID.set(exchange, made);
  return made;
}

/** The id that a filter has set or a template has asked for; undefined if there is none yet. */
export function givenRequestId(exchange: SlotHolder): string | undefined {
  return REQUEST_ID.get(exchange);
}

/**
 * Gives a request an id, for the logs and for `{request_id}`.
 * @param id of letters, digits, `.`, `_` and `-`
 */
export function setRequestId(exchange: Identified, id: string): void {
  REQUEST_ID.set(exchange, id);
  if (exchange.record !== null) exchange.record.requestId = id;
}
