/** Builds ClientHellos from their parts, well-formed or not. Parts are bytes in hexadecimal. */

/** The bytes of a record before its length. */
const RECORD_HEADER = '160301';

/** The parts of a ClientHello. A part that is left out has the value that a plain client would send. */
export interface HelloParts {
  readonly version?: string;
  readonly session?: string;
  readonly suites?: string;
  readonly compression?: string;
  /** The block with its length; '' for no block at all. */
  readonly extensions?: string;
}

/** A vector whose length field has one byte. */
export function vector8(content = ''): string {
  return sized(content, 1);
}

/** A vector whose length field has two bytes. */
export function vector16(content = ''): string {
  return sized(content, 2);
}

/** Text as bytes. */
export function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

/** An extension by its type. */
export function extension(type: number, data: string): string {
  return type.toString(16).padStart(4, '0') + vector16(data);
}

/** server_name with one host_name. */
export function serverName(name: string): string {
  return extension(0, vector16(`00${vector16(hex(name))}`));
}

/** The message of a ClientHello: its type, its length and its body. */
export function message(parts: HelloParts = {}): Buffer {
  const { version = '0303', session = vector8(), suites = vector16('1301'), compression = vector8('00') } = parts;
  const random = '5a'.repeat(32);
  return messageOf(version + random + session + suites + compression + (parts.extensions ?? vector16()));
}

/** The message of a body. */
export function messageOf(body: string, type = '01'): Buffer {
  return Buffer.from(type + sized(body, 3), 'hex');
}

/** The message in records whose fragments have at most `size` bytes. */
export function records(content: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += size) {
    parts.push(Buffer.from(RECORD_HEADER + vector16(content.subarray(at, at + size).toString('hex')), 'hex'));
  }
  return Buffer.concat(parts);
}

/** The message of a hello that arrived in one record. */
export function messageIn(wire: Buffer): Buffer {
  return wire.subarray(5);
}

function sized(content: string, bytes: number): string {
  return (content.length / 2).toString(16).padStart(bytes * 2, '0') + content;
}
