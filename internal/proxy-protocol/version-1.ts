import { formatIp, IPV4_BYTES, mapToIpv6, parseIp, parseIpv4, parseIpv6 } from './ip-address.ts';
import { badProxyHeader, type ProxyEndpoint, type ProxyHeader } from './proxy-header.ts';

/** The longest line of version 1, in bytes, including CRLF (proxy-protocol.txt §2.1). */
export const MAX_LINE_BYTES = 107;

const UNKNOWN: ProxyHeader = { version: 1, source: null, destination: null };
const PARTS = 6;

/** A number without leading zeros, of at most five digits. */
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;

/**
 * Reads a line of version 1 (proxy-protocol.txt §2.1), without its CRLF: `PROXY`, the family, the addresses of source
 * and destination, and their ports, separated by single spaces. Any text may follow UNKNOWN, and is ignored.
 *
 * @throws ProxyError bad_proxy_header
 */
export function readLine(line: string): ProxyHeader {
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN ')) return UNKNOWN;
  const parts = line.split(' ');
  const [, family, source, destination, sourcePort, destinationPort] = parts;
  if (family !== 'TCP4' && family !== 'TCP6') throw badProxyHeader('a family that is none of TCP4, TCP6 and UNKNOWN');
  if (parts.length !== PARTS) throw badProxyHeader('not two addresses and two ports, with one space between');
  const parse = family === 'TCP4' ? parseIpv4 : parseIpv6;
  return {
    version: 1,
    source: { address: readAddress(source, parse), port: readPort(sourcePort) },
    destination: { address: readAddress(destination, parse), port: readPort(destinationPort) },
  };
}

/**
 * Makes a header of version 1 for a connection that relays the one from `source` to `destination`. If either is null,
 * or is no Internet address, the header is `PROXY UNKNOWN`. Both must be of one family, so an IPv4 address beside an
 * IPv6 address is mapped to IPv6.
 */
export function proxyHeaderV1(source: ProxyEndpoint | null, destination: ProxyEndpoint | null): Buffer {
  const from = source === null ? null : parseIp(source.address);
  const to = destination === null ? null : parseIp(destination.address);
  if (source === null || destination === null || from === null || to === null) return line('UNKNOWN');
  const ports = `${source.port} ${destination.port}`;
  if (from.length === IPV4_BYTES && to.length === IPV4_BYTES) {
    return line(`TCP4 ${formatIp(from)} ${formatIp(to)} ${ports}`);
  }
  return line(`TCP6 ${formatIp(mapToIpv6(from))} ${formatIp(mapToIpv6(to))} ${ports}`);
}

function line(text: string): Buffer {
  return Buffer.from(`PROXY ${text}\r\n`, 'latin1');
}

function readAddress(text: string, parse: (text: string) => Buffer | null): string {
  const bytes = parse(text);
  if (bytes === null) throw badProxyHeader('an address that is none of its family');
  return formatIp(bytes);
}

function readPort(text: string): number {
  const port = Number(text);
  if (!PORT.test(text) || port > 65_535) throw badProxyHeader('a port that is no number from 0 to 65535');
  return port;
}
