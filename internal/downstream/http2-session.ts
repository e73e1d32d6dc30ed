import type { ServerHttp2Session } from 'node:http2';
import type { ProxyError } from '../base/index.ts';
import type { Connection } from '../transport/index.ts';
import type { DrainableSession, SessionSlot } from './session-host.ts';

/** The HTTP/2 life of a client connection: many exchanges at once. */
export class Http2Session implements DrainableSession {
  private readonly session: ServerHttp2Session;
  private readonly slot: SessionSlot;

  /**
   * Serves a connection that speaks HTTP/2. It belongs to the session from then on.
   * @param unread what was read of the connection already
   */
  static serve(connection: Connection, unread: Buffer | null, slot: SessionSlot): void {
    slot.sessions.add(new Http2Session(connection, unread, slot));
  }

  private constructor(connection: Connection, unread: Buffer | null, slot: SessionSlot) {
    this.slot = slot;
    const { performServerHandshake } = process.getBuiltinModule('node:http2');
    this.session = performServerHandshake(connection.release(unread));
    this.session.on('close', () => this.slot.sessionEnded(this));
    this.session.on('error', () => this.session.destroy());
    this.session.on('stream', (stream) => stream.respond({ ':status': 501 }, { endStream: true }));
  }

  drain(): void {
    this.session.close();
  }

  kill(error: ProxyError): void {
    this.session.destroy(error);
  }
}
