/** Frames of HTTP/2 as bytes (RFC 9113 §4.1), for what no library would send. One character a byte. */

/** What a client begins with (RFC 9113 §3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Types of frames (RFC 9113 §6). */
export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const Flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4 } as const;

/** Settings (RFC 9113 §6.5.2). */
export const Setting = { headerTableSize: 1, maxStreams: 3, windowSize: 4 } as const;

const HEAD_BYTES = 9;

/** Fields and their values, in order. */
export type Pairs = readonly (readonly [name: string, value: string])[];

export function frame(type: number, flags: number, stream: number, payload = ''): string {
  return uint(payload.length, 3) + uint(type, 1) + uint(flags, 1) + uint(stream, 4) + payload;
}

/** SETTINGS: identifiers and values. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): string {
  return frame(Type.settings, 0, 0, pairs.map(([id, value]) => uint(id, 2) + uint(value, 4)).join(''));
}

export function settingsAck(): string {
  return frame(Type.settings, Flag.ack, 0);
}

/** HEADERS with a whole field section. */
export function headers(stream: number, pairs: Pairs, endStream = false): string {
  return frame(Type.headers, Flag.endHeaders | (endStream ? Flag.endStream : 0), stream, encode(pairs));
}

export function data(stream: number, body: string, endStream = false): string {
  return frame(Type.data, endStream ? Flag.endStream : 0, stream, body);
}

export function rstStream(stream: number, code: number): string {
  return frame(Type.rstStream, 0, stream, uint(code, 4));
}

export function windowUpdate(stream: number, bytes: number): string {
  return frame(Type.windowUpdate, 0, stream, uint(bytes, 4));
}

/** A PING, whose payload is of no interest. */
export function ping(): string {
  return frame(Type.ping, 0, 0, uint(0, 8));
}

export function goaway(lastStream: number, code: number): string {
  return frame(Type.goaway, 0, 0, uint(lastStream, 4) + uint(code, 4));
}

/** A field section of literals that are never indexed, without Huffman coding (RFC 7541 §6.2.2). */
export function encode(pairs: Pairs): string {
  return pairs.map(([name, value]) => `\0${text(name)}${text(value)}`).join('');
}

/** A frame that was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

/** The frame that begins at a position, and the position behind it; null while it is not complete. */
export function readFrame(received: string, at: number): { readonly frame: Frame; readonly end: number } | null {
  if (at + HEAD_BYTES > received.length) return null;
  const start = at + HEAD_BYTES;
  const end = start + number(received, at, 3);
  if (end > received.length) return null;
  const [type, flags, stream] = [number(received, at + 3, 1), number(received, at + 4, 1), number(received, at + 5, 4)];
  return { frame: { type, flags, stream, payload: received.slice(start, end) }, end };
}

/** The complete frames of what a client has sent, behind its preface. */
export function framesOf(received: string): Frame[] {
  const frames: Frame[] = [];
  let next = readFrame(received, PREFACE.length);
  for (; next !== null; next = readFrame(received, next.end)) frames.push(next.frame);
  return frames;
}

/** How many requests have begun in what a client has sent. */
export function requestsIn(received: string): number {
  return framesOf(received).filter(({ type }) => type === Type.headers).length;
}

/** The codes of RST_STREAM frames in what a client has sent. */
export function resetsIn(received: string): number[] {
  return framesOf(received)
    .filter(({ type }) => type === Type.rstStream)
    .map(({ payload }) => number(payload, 0, 4));
}

/** A number of so many bytes, the highest first. */
export function uint(value: number, bytes: number): string {
  let out = '';
  for (let shift = bytes - 1; shift >= 0; shift--) out += String.fromCharCode(Math.floor(value / 256 ** shift) % 256);
  return out;
}

/** The number at a position. */
export function number(from: string, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + from.charCodeAt(at + i);
  return value;
}

/** A string with its length in front (RFC 7541 §5.1, §5.2). */
function text(value: string): string {
  if (value.length < 127) return uint(value.length, 1) + value;
  let length = uint(127, 1);
  let left = value.length - 127;
  for (; left >= 128; left >>= 7) length += uint((left & 127) | 128, 1);
  return length + uint(left, 1) + value;
}
