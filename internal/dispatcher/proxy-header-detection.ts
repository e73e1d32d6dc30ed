import { ProxyError } from '../base/index.ts';
import { MORE, ProxyHeaderReader } from '../proxy-protocol/index.ts';
import { detectProtocol } from './detect-protocol.ts';
import { ProtocolDetection } from './protocol-detection.ts';

/**
 * The begin of a connection from a trusted proxy, which has to announce its client first (PROXY protocol v1 or v2): what
 * is announced takes the place of the socket's addresses, for logs, headers and the question who is trusted; a
 * header that announces nobody (LOCAL, UNKNOWN) leaves them.
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
    // Health checks of load balancers connect and say nothing.
    if (this.begun) this.refuse(new ProxyError('bad_proxy_header', 'the connection ended inside of its PROXY header'));
    else super.onEnd();
  }

  override onDeadline(): void {
    this.refuse(new ProxyError('bad_proxy_header', 'the PROXY header was not complete within header_timeout'));
  }
}
