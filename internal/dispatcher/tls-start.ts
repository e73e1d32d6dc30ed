import { Http1Session, Http2Session } from '../downstream/index.ts';
import { Start } from './start.ts';

/** The begin of a connection to a TLS listener. */
export class TlsStart extends Start {
  onData(buffer: Buffer, start: number, end: number): void {
    const { connection, slot } = this;
    const { tls } = slot.current;
    this.leave();
    if (tls === null) return connection.destroy();
    tls.accept(connection, Buffer.from(buffer.subarray(start, end)), (_, secured) => {
      if (secured === null) return;
      if (secured.tls?.alpn === 'h2') Http2Session.serve(secured, null, slot);
      else secured.handler = new Http1Session(secured, slot, true);
    });
  }
}
