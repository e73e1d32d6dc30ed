import type { Connection } from '../transport/index.ts';
import { LINGER_MS } from './client-bounds.ts';

/** The last part of a connection: prox sends no more, and discards the bytes that the client still sends. */
export class Lingering {
  private readonly connection: Connection;
  private rounds = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** @param stallTimeout milliseconds at most for a client that is slow to take the last answer */
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
