import { FieldId, type Fields, type Framing, NO_BODY } from '../message/index.ts';
import type { ClientCertificate } from '../transport/index.ts';
import type { SessionHost } from './session-host.ts';

/** The client that sends the requests of a session. */
export interface Client {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The connection is encrypted. */
  readonly secure: boolean;
  /** Null without one. */
  readonly certificate: ClientCertificate | null;
}

/** A request as it was received, and its client. See Exchange for the properties. */
export abstract class ReceivedRequest {
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
  /** Bytes of the request taken so far, head included. */
  bytesIn = 0;
  /** The client speaks HTTP/1.1 or later. */
  abstract readonly modern: boolean;
  abstract readonly protocol: string;
  abstract readonly acceptsTrailers: boolean;
  protected abstract readonly client: Client;

  /** @param fields to be filled */
  constructor(service: SessionHost, fields: Fields) {
    this.service = service;
    this.requestFields = fields;
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
}

/**
 * The client behind a chain of proxies: the last address of X-Forwarded-For that is not a trusted proxy. The addresses
 * before it come from a sender that is not trusted.
 *
 * @param list the value of X-Forwarded-For, null without one
 * @param peer the address that the request came from, which is trusted
 */
function originAddress(list: string | null, peer: string, trusts: (address: string) => boolean): string {
  let origin = peer;
  const addresses = list === null ? [] : list.split(',');
  for (let i = addresses.length - 1; i >= 0; i--) {
    const address = (addresses[i] ?? '').trim();
    if (address === '') return origin;
    origin = address;
    if (!trusts(address)) return origin;
  }
  return origin;
}
