/** Values in DER (ITU-T X.690), as far as certificates are made of them. */

function value(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | significant.length]), significant, content]);
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, ...parts);
}

export function set(...parts: readonly Buffer[]): Buffer {
  return value(0x31, ...parts);
}

/** A number of these bytes, the first of which is neither 0 in front of others nor negative. */
export function integer(bytes: Buffer): Buffer {
  return value(0x02, bytes);
}

export function bool(on: boolean): Buffer {
  return value(0x01, Buffer.from([on ? 0xff : 0]));
}

export function octets(bytes: Buffer): Buffer {
  return value(0x04, bytes);
}

export function bitString(bytes: Buffer): Buffer {
  return value(0x03, Buffer.from([0]), bytes);
}

export function utf8(text: string): Buffer {
  return value(0x0c, Buffer.from(text, 'utf8'));
}

/** `2.5.4.3`. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [40 * first + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return value(0x06, Buffer.from(bytes));
}

/** UTCTime (RFC 5280 §4.1.2.5.1), for the years up to 2049. */
export function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return value(0x17, Buffer.from(digits.slice(2), 'latin1'));
}

/** A value that stands for itself behind a tag of its context. */
export function tagged(number: number, content: Buffer): Buffer {
  return value(0x80 | number, content);
}

/** A whole value inside of a tag of its context. */
export function explicit(number: number, content: Buffer): Buffer {
  return value(0xa0 | number, content);
}
