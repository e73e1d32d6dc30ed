import { ProxyError } from '../base/index.ts';

/** One end of the connection that the sender relays. */
export interface ProxyEndpoint {
  /** An IPv4 or IPv6 address; in the form of RFC 5952 if it was read from a header. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** The content of a PROXY header. */
export interface ProxyHeader {
  /** 1 is the text format, 2 the binary one. */
  readonly version: 1 | 2;
  /**
   * The client's end. Null if the header contains none (UNKNOWN, LOCAL, a family without Internet addresses); the
   * addresses of the connection itself then apply. A header has both ends or neither.
   */
  readonly source: ProxyEndpoint | null;
  /** The end to which the client connected; null if `source` is null. */
  readonly destination: ProxyEndpoint | null;
}

/** Makes the error for a malformed PROXY header. */
export function badProxyHeader(message: string): ProxyError {
  return new ProxyError('bad_proxy_header', message);
}
