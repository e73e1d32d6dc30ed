import { ProxyError } from '../base/index.ts';
import { isAuthority } from '../message/index.ts';
import { addressText, type DialAddress, type DialTls, dialTlsId } from '../transport/index.ts';

/** What HTTP an upstream speaks: `alpn` when the TLS handshake decides it (RFC 7301). */
export type PeerProtocol = 'http/1.1' | 'h2' | 'alpn';

/** An upstream: where it is and how to speak to it. Equal upstreams have equal keys and share one pool. */
export interface Peer {
  /** Identifies the address, the TLS settings and the protocol. */
  readonly key: string;
  /** For messages and the access log. */
  readonly text: string;
  readonly address: DialAddress;
  /** Null for plain TCP. */
  readonly tls: DialTls | null;
  readonly protocol: PeerProtocol;
  /** Host field for requests to it, unless the action says otherwise. */
  readonly authority: string;
  /** What stands before the path of each request: empty, or `/api` without a slash at its end. */
  readonly pathPrefix: string;
}

/** TLS settings of an upstream that speaks https and has none of its own. */
const DEFAULT_TLS: DialTls = { serverName: null, ca: null, insecure: false, cert: null, key: null };

/**
 * Reads an upstream as it stands in the config after its placeholders were filled: `host`, `host:port`, `http://…`,
 * `https://…` (or `ws://…`, `wss://…`) or `unix:///…`.
 * @param tls settings for `https://`; null for the defaults
 * @param proto `h2` for HTTP/2 with prior knowledge where there is no TLS; null for HTTP/1.1
 * @throws ProxyError bad_upstream_address
 */
export function parsePeer(text: string, tls: DialTls | null = null, proto: 'h2' | null = null): Peer {
  if (text.startsWith('unix://')) return unixPeer(text, proto ?? 'http/1.1');
  const match = /^(?:(https?|wss?):\/\/)?([^/?#]+)(\/[^?#]*)?$/i.exec(text);
  const authority = match?.[2] ?? '';
  if (match === null || !isAuthority(authority)) {
    throw new ProxyError('bad_upstream_address', `not an upstream address: ${JSON.stringify(text)}`);
  }
  const secure = /^(?:https|wss)$/i.test(match[1] ?? '');
  const { host, port } = splitAuthority(authority, secure ? 443 : 80);
  if (host === '' || port < 1) {
    throw new ProxyError('bad_upstream_address', `not an upstream address: ${JSON.stringify(text)}`);
  }
  const address: DialAddress = { kind: 'tcp', host, port };
  const peerTls = secure ? (tls ?? DEFAULT_TLS) : null;
  const protocol = secure ? 'alpn' : (proto ?? 'http/1.1');
  return {
    key: `${addressText(address)} ${protocol} ${peerTls === null ? '' : dialTlsId(peerTls)}`,
    text: addressText(address),
    address,
    tls: peerTls,
    protocol,
    authority,
    pathPrefix: (match[3] ?? '').replace(/\/+$/, ''),
  };
}

function unixPeer(text: string, protocol: PeerProtocol): Peer {
  const path = text.slice('unix://'.length);
  if (!path.startsWith('/')) {
    throw new ProxyError('bad_upstream_address', `not a unix socket with an absolute path: ${JSON.stringify(text)}`);
  }
  // A unix socket has no authority of its own; a server behind one expects some Host all the same (RFC 9112 §3.2).
  return {
    key: `${text} ${protocol}`,
    text,
    address: { kind: 'unix', path },
    tls: null,
    protocol,
    authority: 'localhost',
    pathPrefix: '',
  };
}

function splitAuthority(authority: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]*))?$/.exec(authority);
  const port = match?.[3];
  return {
    host: match?.[1] ?? match?.[2] ?? '',
    port: port === undefined || port === '' ? defaultPort : Number(port),
  };
}
