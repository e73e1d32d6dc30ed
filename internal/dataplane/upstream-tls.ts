import type { UpstreamTlsConfig } from '../config/index.ts';
import type { DialTls } from '../transport/index.ts';

/** The TLS settings for upstreams, one object for all equal ones, so that the expensive context is made once. */
export class UpstreamTls {
  private readonly made = new Map<string, DialTls>();

  get(config: UpstreamTlsConfig): DialTls {
    const { serverName, ca, insecure, cert, key } = config;
    const text = JSON.stringify([serverName, ca, insecure, cert, key]);
    let tls = this.made.get(text);
    if (tls === undefined) {
      tls = { serverName, ca, insecure, cert, key };
      this.made.set(text, tls);
    }
    return tls;
  }
}
