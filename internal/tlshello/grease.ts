/**
 * Whether a 16-bit number is a GREASE value, which clients send to keep servers tolerant and which has no meaning:
 * 0x0a0a, 0x1a1a, up to 0xfafa (RFC 8701 §2).
 */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** Whether the name of a protocol is a GREASE value in two bytes (RFC 8701 §2). */
export function isGreaseName(name: string): boolean {
  return name.length === 2 && isGrease((name.charCodeAt(0) << 8) | name.charCodeAt(1));
}
