import { expect } from 'vitest';
import { type Wire, wireLog } from './wire-log.ts';

/** Messages up to this size are cut in two at every byte; longer ones near their ends and at some places between. */
const EVERY_CUT_BYTES = 400;

const NEXT = {
  request: { bytes: 'GET /next HTTP/1.1\r\nHost: n\r\n\r\n', log: ['GET /next 1.1', 'Host: n', 'end'] },
  response: {
    bytes: 'HTTP/1.1 200 next\r\nContent-Length: 1\r\n\r\n!',
    log: ['1.1 200 next', 'Content-Length: 1', '(length 1)', 'content !', 'end'],
  },
};

/** Converts text to bytes, one for each character. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/**
 * Expects the same log of the text as a whole, cut in two at every byte, and byte by byte. Also expects that another message
 * behind the text is read if the text ends with a message, and is not read if it ends with an error.
 */
export function expectWire(wire: Wire, text: string, expected: readonly string[]): void {
  const bytes = bytesOf(text);
  expect(wireLog(wire, bytes), 'whole').toEqual(expected);
  for (const cut of cutsOf(bytes.length)) expect(wireLog(wire, bytes, [cut]), `cut at ${cut}`).toEqual(expected);
  expect(wireLog(wire, bytes, everyByte(bytes.length)), 'byte by byte').toEqual(expected);

  const last = expected.at(-1) as string;
  if (last !== 'end' && !last.startsWith('error ')) return;
  // A response to HEAD or CONNECT is followed by one to the next method.
  if (wire.method !== undefined) return;
  const next = NEXT[wire.kind];
  const both = bytesOf(text + next.bytes);
  const all = last === 'end' ? [...expected, ...next.log] : expected;
  expect(wireLog(wire, both), 'with a message behind it').toEqual(all);
  expect(wireLog(wire, both, everyByte(both.length)), 'with a message behind it, byte by byte').toEqual(all);
}

/** Every position but the first. */
export function everyByte(length: number): number[] {
  return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
}

function cutsOf(length: number): number[] {
  const all = everyByte(length);
  if (length <= EVERY_CUT_BYTES) return all;
  return all.filter((cut) => cut <= 40 || cut >= length - 40 || cut % Math.ceil(length / 40) === 0);
}
