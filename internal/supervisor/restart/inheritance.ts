import type { BoundAddress } from '../../transport/index.ts';

/** What a generation of prox leaves to the next one. */
export interface Inheritance {
  /** The sockets that are bound, by the key of `listenKey`. */
  readonly addresses: ReadonlyMap<string, BoundAddress>;
  /** See DataPlaneOptions: with the same keys, TLS sessions are resumed over the restart. */
  readonly ticketKeys: Buffer;
}
