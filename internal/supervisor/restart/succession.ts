import type { BindAddress, BoundAddress } from '../../transport/index.ts';

/**
 * The messages between the old and the new prox process during a restart, over the channel that Node makes between a
 * process and its child. Sockets are sent with `address`, and everything arrives in the order in which it was sent.
 *
 *     predecessor                      successor
 *         │ ───────── address … ──────────> │
 *         │ ───────── inheritance ────────> │   begins to load its config
 *         │ <──────── ready ─────────────── │   it accepts: the predecessor stops accepting, and drains
 *         │ <──── or failed, or nothing ─── │   it ends: the predecessor continues as before
 *
 * After `ready` the channel is closed, and the successor no longer needs its parent.
 */
export type ToSuccessor = AddressMessage | InheritanceMessage;

/** A bound socket, which is sent with this message. */
export interface AddressMessage {
  readonly kind: 'address';
  /** See `listenKey`. */
  readonly key: string;
  readonly address: BindAddress;
  /** See BoundAddress. */
  readonly removable: boolean;
}

/** Everything has been sent. */
export interface InheritanceMessage {
  readonly kind: 'inheritance';
  /** See DataPlaneOptions. */
  readonly ticketKeys: Buffer;
}

export type ToPredecessor =
  /** `taken` are the keys of the addresses that the successor continues to serve; the others are closed. */
  | { readonly kind: 'ready'; readonly taken: readonly string[] }
  /** The successor cannot serve with this config or on this machine. One line for each problem. */
  | { readonly kind: 'failed'; readonly problems: readonly string[] };

/** The environment variable with the process id of the predecessor. It is removed before anything else starts. */
export const PREDECESSOR_VARIABLE = 'PROX_PREDECESSOR';

/** What a prox process passes on to its successor. */
export interface Inheritance {
  /** The bound sockets, by the key of `listenKey`. */
  readonly addresses: ReadonlyMap<string, BoundAddress>;
  /** See DataPlaneOptions. With the same keys, TLS sessions can be resumed after the restart. */
  readonly ticketKeys: Buffer;
}
