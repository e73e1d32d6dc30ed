import type { BindAddress } from '../../transport/index.ts';

/**
 * What two generations of prox say to each other at a restart, over the channel that Node makes between a process and
 * one that it has started. Sockets travel beside `address`, and everything arrives in the order it was sent in.
 *
 *     predecessor                      successor
 *         │ ───────── address … ───────── > │
 *         │ ───────── inheritance ─────────────> │   begins to load its config
 *         │ <──────── ready ─────────────── │   it accepts: the predecessor stops to, and drains
 *         │ <──── or failed, or nothing ─── │   it ends: the predecessor goes on as before
 *
 * With `ready` the channel has done its work and is closed; the successor needs its parent no longer.
 */
export type ToSuccessor = AddressMessage | EstateMessage;

/** A bound socket, which travels beside this message. */
export interface AddressMessage {
  readonly kind: 'address';
  /** See `listenKey`. */
  readonly key: string;
  readonly address: BindAddress;
  /** See BoundAddress. */
  readonly removable: boolean;
}

/** Everything has been sent. */
export interface EstateMessage {
  readonly kind: 'inheritance';
  /** See DataPlaneOptions. */
  readonly ticketKeys: Buffer;
}

export type ToPredecessor =
  /** `taken` are the keys of the addresses that the successor goes on with; the others nobody wants any more. */
  | { readonly kind: 'ready'; readonly taken: readonly string[] }
  /** The config or the machine is not as it should be: a line for each problem. */
  | { readonly kind: 'failed'; readonly problems: readonly string[] };

/** The environment variable that tells a process whose successor it is. It is removed before anything else starts. */
export const PREDECESSOR_VARIABLE = 'PROX_PREDECESSOR';
