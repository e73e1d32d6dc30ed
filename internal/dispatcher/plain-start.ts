import { Http1Session, Http2Session } from '../downstream/index.ts';
import { Start } from './start.ts';

/** How a client with prior knowledge begins HTTP/2 (RFC 9113 §3.4); no method of HTTP/1.1 begins so. */
const PREFACE = Buffer.from('PRI ', 'latin1');

/** The begin of a plain connection: HTTP/1.1, or the preface of HTTP/2. */
export class PlainStart extends Start {
  /** What came while it could still become the preface; null while there is nothing. */
  private kept: Buffer | null = null;

  onData(buffer: Buffer, start: number, end: number): void {
    const bytes =
      this.kept === null ? buffer.subarray(start, end) : Buffer.concat([this.kept, buffer.subarray(start, end)]);
    const known = Math.min(bytes.length, PREFACE.length);
    const { connection, slot } = this;
    if (bytes.compare(PREFACE, 0, known, 0, known) !== 0) {
      this.leave();
      const session = new Http1Session(connection, slot, false);
      connection.handler = session;
      return session.onData(bytes, 0, bytes.length);
    }
    if (known < PREFACE.length) {
      this.kept = Buffer.from(bytes);
      return;
    }
    this.leave();
    Http2Session.serve(connection, Buffer.from(bytes), slot);
  }
}
