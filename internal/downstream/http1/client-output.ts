import type { FlushResult } from '../../exchange/index.ts';
import { type Connection, WriteState } from '../../transport/index.ts';
import type { Http1Exchange } from './http1-exchange.ts';

/** What leaves for a client, and how long the client may take for it. */
export class ClientOutput {
  /** The client has to take something before it is answered again. */
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
    // Small bytes that were copied wait under idle_timeout alone: as they grow, they make the connection full.
    if (state !== WriteState.taken && exchange?.tunnel === false) this.connection.expectDrain(exchange.patience);
    return state;
  }

  /** The other side of the tunnel has sent its last byte. @param clientEnded whether the client has, too */
  endTunnel(clientEnded: boolean, stallTimeout: number): void {
    this.connection.expectDrain(stallTimeout);
    if (clientEnded) return this.connection.endAndClose();
    this.connection.end();
    // A tunnel that is open to one side only is no longer worth any wait.
    this.tunnelEnded = true;
    this.connection.expect(stallTimeout);
  }

  /** Closes the connection as soon as everything has left. */
  endAndClose(stallTimeout: number): void {
    this.connection.endAndClose();
    this.connection.expectDrain(stallTimeout);
  }
}
