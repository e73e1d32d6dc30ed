import { Http1Session, Http2Session } from '../downstream/index.ts';
import { ProtocolDetection } from './protocol-detection.ts';

/** The beginning of HTTP/2 with prior knowledge (RFC 9113 §3.4); no method of HTTP/1.1 begins with it. */
const PREFACE = Buffer.from('PRI ', 'latin1');

/** The beginning of a plain connection: HTTP/1.1, or the preface of HTTP/2. */
export class PlainDetection extends ProtocolDetection {
  /** The bytes so far that may still become the preface; null for none. */
  private kept: Buffer | null = null;

  onData(buffer: Buffer, start: number, end: number): void {
    // Nearly all requests begin with another letter.
    if (this.kept === null && buffer[start] !== PREFACE[0]) {
      this.becomeHttp1().onData(buffer, start, end);
      return;
    }
    const bytes =
      this.kept === null ? buffer.subarray(start, end) : Buffer.concat([this.kept, buffer.subarray(start, end)]);
    const known = Math.min(bytes.length, PREFACE.length);
    if (bytes.compare(PREFACE, 0, known, 0, known) !== 0) {
      this.becomeHttp1().onData(bytes, 0, bytes.length);
    } else if (known < PREFACE.length) {
      this.kept = Buffer.from(bytes);
    } else {
      Http2Session.serve(this.connection, Buffer.from(bytes), this.slot);
      this.leave();
    }
  }

  /** A request that has begun gets the answer that the session gives to a slow one. */
  override onDeadline(): void {
    const { kept } = this;
    if (kept === null) super.onDeadline();
    else {
      const session = this.becomeHttp1();
      session.onData(kept, 0, kept.length);
      session.onDeadline();
    }
  }

  private becomeHttp1(): Http1Session {
    const { connection } = this;
    const session = new Http1Session(connection, this.slot, false);
    connection.handler = session;
    this.leave();
    return session;
  }
}
