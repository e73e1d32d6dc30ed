import { FlushResult } from '../exchange/index.ts';
import { WriteState } from '../transport/index.ts';

/** A request that was given to a link, of which the head may not have left. */
export interface GivenRequest {
  /** Sends what was given and has not left. */
  flushHead(): void;
  /** What that throws costs this exchange alone. */
  broken(thrown: unknown): void;
}

/**
 * Sends the head of a request with a body at the end of this turn. What has come of the body leaves together with it;
 * where nothing has come, the head leaves alone, as the client may wait for a 100 or an answer before it sends any.
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

/** What a link says of a flush, as exchanges say it. */
export function flushed(state: WriteState): FlushResult {
  if (state === WriteState.full) return FlushResult.full;
  return state === WriteState.taken ? FlushResult.taken : FlushResult.pending;
}
