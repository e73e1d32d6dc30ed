import { formatIp, IPV4_BYTES, IPV6_BYTES, mapToIpv6, parseIp } from './ip-address.ts';
import { badProxyHeader, type ProxyEndpoint, type ProxyHeader } from './proxy-header.ts';

/** The beginning of a header of version 2; no other protocol begins with these bytes (proxy-protocol.txt §2.2). */
export const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Length of the signature, version and command, family and transport, and the length field. */
export const FIXED_BYTES = 16;

/** Positions of the version and command, of the family and transport, and of the length. */
export const COMMAND_AT = 12;
export const FAMILY_AT = 13;
export const LENGTH_AT = 14;

const VERSION = 2;
const COMMAND = { local: 0, proxy: 1 } as const;
const FAMILY = { unspecified: 0, ipv4: 1, ipv6: 2, unix: 3 } as const;
const TRANSPORT = { unspecified: 0, stream: 1, datagram: 2 } as const;

/** Bytes of the two addresses and two ports, by family. */
const ADDRESS_BYTES = [0, 2 * (IPV4_BYTES + 2), 2 * (IPV6_BYTES + 2), 2 * 108] as const;

/** Type and length of a TLV. */
const TLV_HEADER_BYTES = 3;

const NOWHERE: ProxyHeader = { version: 2, source: null, destination: null };

/** @throws ProxyError bad_proxy_header unless the byte means version 2 and an existing command. */
export function checkCommand(byte: number): void {
  if (byte >> 4 !== VERSION) throw badProxyHeader('a version that is not 2');
  if ((byte & 15) > COMMAND.proxy) throw badProxyHeader('a command that is neither LOCAL nor PROXY');
}

/**
 * A receiver must refuse families and transports that do not exist, but need not know those of a LOCAL command
 * (proxy-protocol.txt §2.2).
 *
 * @throws ProxyError bad_proxy_header
 */
export function checkFamily(header: Buffer): void {
  if (isLocal(header)) return;
  const byte = header[FAMILY_AT];
  if (byte >> 4 > FAMILY.unix) throw badProxyHeader('an address family that does not exist');
  if ((byte & 15) > TRANSPORT.datagram) throw badProxyHeader('a transport that does not exist');
}

/** @throws ProxyError bad_proxy_header if the announced length has no room for the addresses. */
export function checkLength(header: Buffer): void {
  if (header.readUInt16BE(LENGTH_AT) < addressBytes(header)) throw badProxyHeader('no room for the addresses');
}

/**
 * Reads a complete header whose parts were checked by the functions above. `header` has no other bytes. The TLVs after
 * the addresses must fill the rest exactly; their content is ignored.
 *
 * Addresses of datagrams count like those of a stream: a sender that turns datagrams into a stream still knows the
 * client.
 *
 * @throws ProxyError bad_proxy_header
 */
export function readBinary(header: Buffer): ProxyHeader {
  const bytes = addressBytes(header);
  if (bytes === 0) return NOWHERE;
  checkTlvs(header, FIXED_BYTES + bytes);
  const family = header[FAMILY_AT] >> 4;
  if (family === FAMILY.unix) return NOWHERE;
  const length = family === FAMILY.ipv4 ? IPV4_BYTES : IPV6_BYTES;
  const ports = FIXED_BYTES + 2 * length;
  return {
    version: 2,
    source: {
      address: formatIp(header.subarray(FIXED_BYTES, FIXED_BYTES + length)),
      port: header.readUInt16BE(ports),
    },
    destination: {
      address: formatIp(header.subarray(FIXED_BYTES + length, ports)),
      port: header.readUInt16BE(ports + 2),
    },
  };
}

/**
 * Makes a header of version 2 for a connection that relays the one from `source` to `destination`. If either is null,
 * or is no Internet address, the command is LOCAL. Both must be of one family, so an IPv4 address beside an IPv6
 * address is mapped to IPv6.
 */
export function proxyHeaderV2(source: ProxyEndpoint | null, destination: ProxyEndpoint | null): Buffer {
  let from = source === null ? null : parseIp(source.address);
  let to = destination === null ? null : parseIp(destination.address);
  if (source === null || destination === null || from === null || to === null) {
    return fixed(COMMAND.local, FAMILY.unspecified, TRANSPORT.unspecified, 0);
  }
  if (from.length !== to.length) {
    from = mapToIpv6(from);
    to = mapToIpv6(to);
  }
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const family = from.length === IPV4_BYTES ? FAMILY.ipv4 : FAMILY.ipv6;
  return Buffer.concat([fixed(COMMAND.proxy, family, TRANSPORT.stream, ADDRESS_BYTES[family]), from, to, ports]);
}

function fixed(command: number, family: number, transport: number, length: number): Buffer {
  return Buffer.concat([
    SIGNATURE,
    Buffer.from([(VERSION << 4) | command, (family << 4) | transport, length >> 8, length & 255]),
  ]);
}

function isLocal(header: Buffer): boolean {
  return (header[COMMAND_AT] & 15) === COMMAND.local;
}

/** Bytes of the addresses; 0 if they are to be ignored: with LOCAL, and if family or transport is unknown. */
function addressBytes(header: Buffer): number {
  const byte = header[FAMILY_AT];
  if (isLocal(header) || (byte & 15) === TRANSPORT.unspecified) return 0;
  return ADDRESS_BYTES[byte >> 4];
}

/** Checks the TLVs (proxy-protocol.txt §2.2.1): a type, a length of two bytes, and that number of bytes. */
function checkTlvs(header: Buffer, start: number): void {
  let at = start;
  while (at < header.length) {
    if (header.length - at < TLV_HEADER_BYTES) throw badProxyHeader('half a TLV');
    at += TLV_HEADER_BYTES + header.readUInt16BE(at + 1);
    if (at > header.length) throw badProxyHeader('a TLV that leads beyond the end');
  }
}
