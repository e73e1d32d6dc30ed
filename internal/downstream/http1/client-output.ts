import type { FlushResult } from '../../exchange/index.ts';
import { type Connection, WriteState } from '../../transport/index.ts';
import type { Http1Exchange } from './http1-exchange.ts';

/** The output to a client, with the time that the client may take for it. */
export class ClientOutput {
  /** The client has to take pending bytes before its next request is answered. */
  full = false;
  /** The other side of the tunnel has sent its last byte. */
  tunnelEnded = false;
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Sends what was written, for an exchange if one is under way. */
  flush(exchange: Http1Exchange | null): FlushResult {
    const state = this.connection.flush();
    this.full = state === WriteState.full;
    // Small writes that were copied wait under idle_timeout alone. When they add up, the connection becomes full.
    if (state !== WriteState.taken && exchange?.tunnel === false) this.connection.expectDrain(exchange.patience);
    return state;
  }

  /** The other side of the tunnel has sent its last byte. @param clientEnded whether the client has ended its side, too */
  endTunnel(clientEnded: boolean, stallTimeout: number): void {
    this.connection.expectDrain(stallTimeout);
    if (clientEnded) return this.connection.endAndClose();
    this.connection.end();
    // A tunnel that is open in one direction only is bounded by stall_timeout.
    this.tunnelEnded = true;
    this.connection.expect(stallTimeout);
  }

  /** Closes the connection as soon as everything has left. */
  endAndClose(stallTimeout: number): void {
    this.connection.endAndClose();
    this.connection.expectDrain(stallTimeout);
  }
}
