import { ProxyError } from '../base/index.ts';

/** One end of the connection that the sender relays. */
export interface ProxyEndpoint {
  /** An IPv4 or IPv6 address; when read from a header in the form of RFC 5952. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** What a PROXY header says. */
export interface ProxyHeader {
  /** The text format, or the binary one. */
  readonly version: 1 | 2;
  /**
   * The client's end; null where the header names none (UNKNOWN, LOCAL, a family without addresses of the Internet):
   * then the addresses of the connection itself hold. Both ends are named, or neither.
   */
  readonly source: ProxyEndpoint | null;
  /** The end that the client connected to; null like `source`. */
  readonly destination: ProxyEndpoint | null;
}

/** Makes the error of a PROXY header that cannot be read. */
export function badProxyHeader(message: string): ProxyError {
  return new ProxyError('bad_proxy_header', message);
}
