import { ECHO, MemoryHost, type MemoryService, MemorySlot } from '../../downstream/testing/memory-host.ts';
import type { TlsAcceptor } from '../../transport/index.ts';
import { type MemoryClient, settled } from '../../transport/testing/memory-client.ts';
import type { MemoryClientOptions } from '../../transport/testing/memory-socket.ts';
import { dispatch } from '../dispatch.ts';

/** A client of a listener, and what serves it. */
export interface Accepted {
  readonly host: MemoryHost;
  readonly slot: MemorySlot;
  readonly client: MemoryClient;
}

/** A client that has connected and sent nothing yet. */
export function connect(
  service: MemoryService = {},
  tls: ((slot: MemorySlot) => TlsAcceptor) | null = null,
  options: MemoryClientOptions = {},
): Accepted {
  const slot = new MemorySlot(new MemoryHost());
  slot.current = new MemoryHost({ action: ECHO, tls: tls?.(slot) ?? null, ...service });
  return { slot, host: slot.current, client: slot.connect(dispatch, options) };
}

/** Waits for what other things than memory bring, such as threads and the next turns of node:http2. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition();) {
    if (Date.now() > end) throw new Error('timed out while waiting');
    await settled();
  }
}
