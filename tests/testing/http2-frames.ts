/** Frames of HTTP/2 as bytes (RFC 9113 §4.1), for what no server would send. One character a byte. */

/** What a client begins with (RFC 9113 §3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

const Type = { data: 0, headers: 1, rstStream: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const ACK = 0x1;

/** A field and its value. */
export type Pair = readonly [name: string, value: string];

/** SETTINGS: identifiers and values. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): string {
  return frame(Type.settings, 0, 0, pairs.map(([id, value]) => uint(id, 2) + uint(value, 4)).join(''));
}

export function settingsAck(): string {
  return frame(Type.settings, ACK, 0, '');
}

/** HEADERS, the field block in literals without indexing and without Huffman (RFC 7541 §6.2.2). */
export function headers(stream: number, pairs: readonly Pair[], endStream = false): string {
  const block = pairs.map(([name, value]) => `\0${text(name)}${text(value)}`).join('');
  return frame(Type.headers, END_HEADERS | (endStream ? END_STREAM : 0), stream, block);
}

export function data(stream: number, body: string, endStream = false): string {
  return frame(Type.data, endStream ? END_STREAM : 0, stream, body);
}

export function rstStream(stream: number, code: number): string {
  return frame(Type.rstStream, 0, stream, uint(code, 4));
}

export function goaway(lastStream: number, code: number): string {
  return frame(Type.goaway, 0, 0, uint(lastStream, 4) + uint(code, 4));
}

export function frame(type: number, flags: number, stream: number, payload: string): string {
  return uint(payload.length, 3) + uint(type, 1) + uint(flags, 1) + uint(stream, 4) + payload;
}

/** A frame that was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: string;
}

/** The complete frames of what a client has sent, behind its preface. */
export function framesOf(received: string): Frame[] {
  const frames: Frame[] = [];
  for (let at = PREFACE.length; at + 9 <= received.length;) {
    const length = number(received, at, 3);
    if (at + 9 + length > received.length) break;
    const payload = received.slice(at + 9, at + 9 + length);
    frames.push({
      type: number(received, at + 3, 1),
      flags: number(received, at + 4, 1),
      stream: number(received, at + 5, 4),
      payload,
    });
    at += 9 + length;
  }
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

function text(value: string): string {
  if (value.length > 126) throw new Error('a longer string needs more than one byte of length');
  return uint(value.length, 1) + value;
}

function uint(value: number, bytes: number): string {
  let out = '';
  for (let shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += String.fromCharCode((value >>> shift) & 0xff);
  return out;
}

function number(from: string, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + from.charCodeAt(at + i);
  return value;
}
