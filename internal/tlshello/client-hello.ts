import { badClientHello, Cursor } from './cursor.ts';
import { isGrease, isGreaseName } from './grease.ts';
import { readServerName } from './server-name.ts';

/** The parts of a ClientHello that prox uses. */
export interface ClientHello {
  /** server_name (RFC 6066 §3) in lower case, without a trailing dot; null if the client sent none. */
  readonly serverName: string | null;
  /**
   * The protocols of ALPN (RFC 7301 §3.1) in the order offered, one character per byte, without those of GREASE (RFC
   * 8701 §2). Empty if the client sent none.
   */
  readonly alpn: readonly string[];
  /**
   * supported_versions (RFC 8446 §4.2.1) in the order offered, such as 0x0304 for TLS 1.3, without those of GREASE. A
   * client that sent none supports its legacy_version.
   */
  readonly versions: readonly number[];
}

const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;
const MAJOR_VERSION = 3;

/** Extensions that prox reads (RFC 8446 §4.2). Of all others, prox checks only the length, and that they occur once. */
const EXTENSION = { serverName: 0, alpn: 16, supportedVersions: 43 } as const;

/**
 * Reads the body of a ClientHello (RFC 8446 §4.1.2), which consists of the bytes from `start` to `end`. The content of
 * the cipher suites, the random and the other extensions is not checked; the server that ends the handshake does that.
 *
 * @throws ProxyError bad_client_hello
 */
export function readClientHello(buffer: Buffer, start: number, end: number): ClientHello {
  const body = new Cursor(buffer, start, end);
  const legacyVersion = body.uint16();
  if (legacyVersion >> 8 !== MAJOR_VERSION) throw badClientHello('a version that is neither SSL 3 nor TLS');
  body.skip(RANDOM_BYTES);
  const sessionId = body.vector8(0);
  if (sessionId.length > MAX_SESSION_ID_BYTES) throw badClientHello('a session id of more than 32 bytes');
  const cipherSuites = body.vector16(2);
  if (cipherSuites.length % 2 !== 0) throw badClientHello('half a cipher suite');
  body.vector8(1);
  // Clients of TLS 1.2 and older may omit the whole block (RFC 5246 §7.4.1.2).
  if (body.done) return { serverName: null, alpn: [], versions: [legacyVersion] };
  const extensions = body.vector16(0);
  body.expectEnd('the extensions');
  return readExtensions(extensions, legacyVersion);
}

function readExtensions(extensions: Cursor, legacyVersion: number): ClientHello {
  const seen = new Set<number>();
  let serverName: string | null = null;
  let alpn: readonly string[] = [];
  let versions: readonly number[] = [legacyVersion];
  while (!extensions.done) {
    const type = extensions.uint16();
    const data = extensions.vector16(0);
    // An extension must not occur twice, because servers disagree about which one counts (RFC 8446 §4.2).
    if (seen.has(type)) throw badClientHello(`extension ${type} occurs twice`);
    seen.add(type);
    if (type === EXTENSION.serverName) serverName = readServerName(data);
    else if (type === EXTENSION.alpn) alpn = readProtocolNames(data);
    else if (type === EXTENSION.supportedVersions) versions = readVersions(data);
  }
  return { serverName, alpn, versions };
}

/** ProtocolNameList (RFC 7301 §3.1). */
function readProtocolNames(data: Cursor): string[] {
  const list = data.vector16(2);
  data.expectEnd('the list of protocol names');
  const names: string[] = [];
  while (!list.done) {
    const name = list.vector8(1).latin1();
    if (!isGreaseName(name)) names.push(name);
  }
  return names;
}

/** SupportedVersions of a ClientHello (RFC 8446 §4.2.1). */
function readVersions(data: Cursor): number[] {
  const list = data.vector8(2);
  data.expectEnd('the list of versions');
  const versions: number[] = [];
  while (!list.done) {
    const version = list.uint16();
    if (!isGrease(version)) versions.push(version);
  }
  return versions;
}
