import type { ConnectionSpeed, RouteSpeed } from '../../exchange/index.ts';
import { FieldId, type Fields, type Framing, NO_BODY } from '../../message/index.ts';
import type { ClientCertificate } from '../../transport/index.ts';
import { originAddress } from '../origin-address.ts';
import type { SessionHost } from '../session-host.ts';

/** What an exchange needs of the session that its stream belongs to. */
export interface Http2Client {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly secure: boolean;
  /** Is told of a stream that is not read any more. */
  readonly windows: { watch(): void };
  /** Null without one. */
  readonly certificate: ClientCertificate | null;
  /** The limits of a route for this connection. */
  speedOf(route: RouteSpeed): ConnectionSpeed;
  /** Bytes of content came on a stream: a sign of life. */
  contentReceived(bytes: number): void;
  /** Frames that wait to be sent. */
  queuedFrames(): number;
}

/** What a stream asks for, and who asks. */
export class Http2Request {
  method = '';
  path = '';
  forwardPath = '';
  query = '';
  authority = '';
  host = '';
  expectsContinue = false;
  upgrade: string | null = null;
  requestFraming: Framing = NO_BODY;
  readonly requestFields: Fields;
  /** The generation of the service that this exchange began with. */
  readonly service: SessionHost;
  /** Bytes of the request so far, the head as its text would be. */
  bytesIn = 0;
  /** What Sec-WebSocket-Accept has to be; empty when no WebSocket was asked for by extended CONNECT (RFC 8441). */
  webSocketAccept = '';
  /** As fields of HTTP/1.1 are read: what HTTP/1.0 lacks is here. */
  readonly modern = true;
  readonly protocol = 'HTTP/2.0';
  protected readonly client: Http2Client;

  /** @param fields to be filled */
  constructor(client: Http2Client, service: SessionHost, fields: Fields) {
    this.client = client;
    this.requestFields = fields;
    this.service = service;
  }

  get clientAddress(): string {
    return this.client.clientAddress;
  }

  get clientPort(): number {
    return this.client.clientPort;
  }

  get localAddress(): string {
    return this.client.localAddress;
  }

  get localPort(): number {
    return this.client.localPort;
  }

  get secure(): boolean {
    return this.client.secure;
  }

  get clientCertificate(): ClientCertificate | null {
    return this.client.certificate;
  }

  get trusted(): boolean {
    return this.service.trusts(this.clientAddress);
  }

  get originAddress(): string {
    if (!this.trusted) return this.clientAddress;
    const list = this.requestFields.list(FieldId.xForwardedFor);
    return originAddress(list, this.clientAddress, (address) => this.service.trusts(address));
  }

  get acceptsTrailers(): boolean {
    return this.requestFields.list(FieldId.te) !== null;
  }
}
