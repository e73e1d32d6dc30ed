/** Runs bytes through the reader as a connection does, and says what came of them. */
import { ProxyError } from '../../base/index.ts';
import { ClientHelloReader } from '../client-hello-reader.ts';
import { type ClientHello } from '../client-hello.ts';

/** What the bytes were: a hello, not enough, or an error by its code. */
export type Outcome = ClientHello | 'more' | `error ${string}`;

/** Bytes around every slice that belong to nobody: a reader that looks at them gets caught. */
const MARGIN = 3;
const JUNK = 0x16;

/** What the bytes are when they come cut at the given positions. */
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

/** What the bytes are in one piece, which has to be the same when they are cut in two anywhere, and byte by byte. */
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
    // The bytes were borrowed: whoever still reads them now is caught too.
    buffer.fill(JUNK);
  }
}
