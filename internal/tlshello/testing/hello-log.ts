/** Feeds bytes to the reader as a connection does, and describes the result. */
import { ProxyError } from '../../base/index.ts';
import { ClientHelloReader } from '../client-hello-reader.ts';
import { type ClientHello } from '../client-hello.ts';

/** The result: a hello, `more` if bytes are missing, or an error with its code. */
export type Outcome = ClientHello | 'more' | `error ${string}`;

/** Bytes around every slice that the reader must not read; a wrong read changes the result. */
const MARGIN = 3;
const JUNK = 0x16;

/** The result for bytes that arrive cut at the given positions. */
export function helloLog(bytes: Buffer, cuts: readonly number[] = []): Outcome {
  const reader = new ClientHelloReader();
  let from = 0;
  try {
    for (const to of [...cuts, bytes.length]) {
      const hello = feedBorrowed(reader, bytes.subarray(from, to));
      if (hello !== null) return hello;
      from = to;
    }
  } catch (error) {
    if (error instanceof ProxyError) return `error ${error.code}`;
    throw error;
  }
  return 'more';
}

/**
 * The result for bytes in one piece. It must be the same when they are cut in two at any position, and byte by byte.
 */
export function helloLogHoweverCut(bytes: Buffer): Outcome {
  const whole = helloLog(bytes);
  const everywhere = everyByte(bytes);
  for (const cuts of [...everywhere.map((cut) => [cut]), everywhere]) {
    const outcome = helloLog(bytes, cuts);
    if (JSON.stringify(outcome) !== JSON.stringify(whole)) {
      throw new Error(
        `${JSON.stringify(outcome)} when cut at ${cuts.join(', ')}, but ${JSON.stringify(whole)} when not`,
      );
    }
  }
  return whole;
}

/** Every position but the first. */
export function everyByte(bytes: Buffer): number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
}

function feedBorrowed(reader: ClientHelloReader, slice: Buffer): ClientHello | null {
  const buffer = Buffer.alloc(slice.length + 2 * MARGIN, JUNK);
  slice.copy(buffer, MARGIN);
  try {
    return reader.feed(buffer, MARGIN, MARGIN + slice.length);
  } finally {
    // The reader only borrows the bytes. A reader that still reads them after the call gets different ones.
    buffer.fill(JUNK);
  }
}
