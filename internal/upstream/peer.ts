import { ProxyError } from '../base/index.ts';
import { InvalidValue, parseProxyUpstream, type UpstreamAddress } from '../config/index.ts';
import { addressText, type DialAddress, type DialTls, dialTlsId } from '../transport/index.ts';

/** The protocol of an upstream; `alpn` if the TLS handshake decides it (RFC 7301). */
export type PeerProtocol = 'http/1.1' | 'h2' | 'alpn';

/** An upstream: its address and how to connect to it. Equal upstreams have equal keys and share one pool. */
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
  /** The text before the path of each request: empty, or `/api` without a slash at its end. */
  readonly pathPrefix: string;
}

/** TLS settings of an https upstream without settings of its own. */
const DEFAULT_TLS: DialTls = { serverName: null, ca: null, insecure: false, cert: null, key: null };

/**
 * Parses an upstream of the config after its placeholders were filled in: `host`, `host:port`, `http://…`, `https://…`
 * (or `ws://…`, `wss://…`) or `unix:///…`.
 * @param tls settings for `https://`; null for the defaults
 * @param proto `h2` for HTTP/2 with prior knowledge if there is no TLS; null for HTTP/1.1
 * @throws ProxyError bad_upstream_address
 */
export function parsePeer(text: string, tls: DialTls | null = null, proto: 'h2' | null = null): Peer {
  const upstream = readAddress(text);
  if (upstream.kind === 'unix') return unixPeer(text, upstream.path, proto ?? 'http/1.1');
  const { secure, authority, host, port, path } = upstream;
  const address: DialAddress = { kind: 'tcp', host, port: port ?? (secure ? 443 : 80) };
  const peerTls = secure ? (tls ?? DEFAULT_TLS) : null;
  const protocol = secure ? 'alpn' : (proto ?? 'http/1.1');
  return {
    key: `${addressText(address)} ${protocol} ${peerTls === null ? '' : dialTlsId(peerTls)}`,
    text: addressText(address),
    address,
    tls: peerTls,
    protocol,
    authority,
    pathPrefix: path.replace(/\/+$/, ''),
  };
}

function readAddress(text: string): UpstreamAddress {
  try {
    return parseProxyUpstream(text);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new ProxyError('bad_upstream_address', error.message);
  }
}

function unixPeer(text: string, path: string, protocol: PeerProtocol): Peer {
  // A unix socket has no authority, but a server behind one expects a Host in any case (RFC 9112 §3.2).
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
