import { ProxyError } from '../base/index.ts';
import { MORE, ProxyHeaderReader } from '../proxy-protocol/index.ts';
import { detectProtocol } from './detect-protocol.ts';
import { ProtocolDetection } from './protocol-detection.ts';

/**
 * The beginning of a connection from a trusted proxy, which must first announce its client (PROXY protocol v1 or v2).
 * The announced addresses replace those of the socket for logs, headers, and the decision which client is trusted. A
 * header without addresses (LOCAL, UNKNOWN) replaces nothing.
 */
export class ProxyHeaderDetection extends ProtocolDetection {
  private readonly reader = new ProxyHeaderReader();
  private begun = false;

  onData(buffer: Buffer, start: number, end: number): void {
    const { connection, slot } = this;
    this.begun = true;
    let next: number;
    try {
      next = this.reader.feed(buffer, start, end);
    } catch (error) {
      return this.refuse(error);
    }
    if (next === MORE) return;
    const { source, destination } = this.reader.header;
    if (source !== null) connection.assumePeer(source.address, source.port);
    if (destination !== null) connection.assumeLocal(destination.address, destination.port);
    const handler = detectProtocol(connection, slot);
    connection.handler = handler;
    this.leave();
    if (next < end) handler.onData(buffer, next, end);
  }

  override onEnd(): void {
    // Health checks of load balancers connect and send nothing.
    if (this.begun)
      this.refuse(new ProxyError('bad_proxy_header', 'the client ended the connection within its PROXY header'));
    else super.onEnd();
  }

  override onDeadline(): void {
    this.refuse(new ProxyError('bad_proxy_header', 'the PROXY header was not complete within header_timeout'));
  }
}
