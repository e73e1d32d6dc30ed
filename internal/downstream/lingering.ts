import type { Connection } from '../transport/index.ts';
import { LINGER_MS } from './client-bounds.ts';

/** The last part of a connection: we send no more, and read over what the client still sends. */
export class Lingering {
  private readonly connection: Connection;
  private rounds = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @param stallTimeout milliseconds that a client which is slow to take the last answer gets at most */
  begin(stallTimeout: number): void {
    this.rounds = Math.ceil(stallTimeout / LINGER_MS);
    this.connection.end();
    this.connection.expect(LINGER_MS);
    this.connection.resume();
  }

  /** The deadline has passed. */
  onDeadline(): void {
    if (this.connection.hasPending && this.rounds-- > 0) this.connection.expect(LINGER_MS);
    else this.connection.cut(false);
  }
}
