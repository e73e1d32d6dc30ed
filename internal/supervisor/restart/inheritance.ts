import type { BoundAddress } from '../../transport/index.ts';

/** What a prox process passes on to its successor. */
export interface Inheritance {
  /** The bound sockets, by the key of `listenKey`. */
  readonly addresses: ReadonlyMap<string, BoundAddress>;
  /** See DataPlaneOptions. With the same keys, TLS sessions can be resumed after the restart. */
  readonly ticketKeys: Buffer;
}
