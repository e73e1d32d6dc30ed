import { ProxyError } from '../base/index.ts';
import { type DrainableSession, Lingering, type SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';

const TEXT = '400 Bad Request (not_tls): this port speaks TLS, use https:// to reach it\n';

/** The request is HTTP of an unknown version; the person at the client can read an HTTP/1.1 answer in any case. */
const ANSWER =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
  `Content-Length: ${TEXT.length}\r\nConnection: close\r\n\r\n${TEXT}`;

/** A client that speaks plain HTTP to a TLS listener: it gets an answer that says so, and its request is discarded. */
export class PlainRefusal implements ConnectionHandler, DrainableSession {
  place = -1;
  private readonly connection: Connection;
  private readonly slot: SessionSlot;
  private readonly lingering: Lingering;

  constructor(connection: Connection, slot: SessionSlot) {
    this.connection = connection;
    this.slot = slot;
    this.lingering = new Lingering(connection);
    slot.sessions.add(this);
  }

  /** Answers, and closes after the client has had time to read the answer. */
  answer(): void {
    this.connection.text(ANSWER);
    this.lingering.begin(this.slot.current.limits.stallTimeout);
  }

  onData(): void {}

  onEnd(): void {
    this.connection.endAndClose();
  }

  onDrain(): void {}

  onDeadline(): void {
    this.lingering.onDeadline();
  }

  onClose(): void {
    this.slot.sessionEnded(this);
  }

  onBroken(error: unknown): void {
    this.slot.current.sessionBroken(this.connection.remoteAddress, ProxyError.from(error));
  }

  drain(): void {}

  kill(): void {
    this.connection.destroy();
  }
}
