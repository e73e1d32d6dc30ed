import { FlushResult } from '../exchange/index.ts';
import { WriteState } from '../transport/index.ts';

/** A request that was given to a link. Its head may still wait to be sent. */
export interface GivenRequest {
  /** Sends the bytes that still wait. */
  flushHead(): void;
  /** Gets an error that `flushHead` throws; it ends this exchange alone. */
  broken(thrown: unknown): void;
}

/**
 * Sends the head of a request with a body at the end of this turn, together with the bytes of the body that have arrived.
 * If none have arrived, the head leaves alone: the client may wait for a 100 or an answer before it sends any.
 */
export function flushHeadLater(request: GivenRequest): void {
  process.nextTick(flush, request);
}

function flush(request: GivenRequest): void {
  try {
    request.flushHead();
  } catch (thrown) {
    request.broken(thrown);
  }
}

/** Converts the result of a link's flush to that of an exchange's. */
export function flushed(state: WriteState): FlushResult {
  if (state === WriteState.full) return FlushResult.full;
  return state === WriteState.taken ? FlushResult.taken : FlushResult.pending;
}
