/** Feeds bytes to the reader as a connection does, and describes the result in one line. */
import { ProxyError } from '../../base/index.ts';
import { MORE, ProxyHeaderReader } from '../proxy-header-reader.ts';

/**
 * Bytes around every slice that the reader must not read; a wrong read changes the result. They are LF because a reader
 * that looks for the end of a line would find it there.
 */
const MARGIN = 3;
const JUNK = 0x0a;

/**
 * The result for bytes that arrive cut at the given positions: `v1 SOURCE > DESTINATION, N left`, `v1 none, N left`,
 * `more`, or `error CODE`. N is the number of bytes after the header.
 */
export function headerLog(bytes: Buffer, cuts: readonly number[] = []): string {
  const reader = new ProxyHeaderReader();
  let from = 0;
  try {
    for (const to of [...cuts, bytes.length]) {
      const behind = feedBorrowed(reader, bytes.subarray(from, to));
      if (behind !== MORE) return `${describeHeader(reader)}, ${bytes.length - from - behind} left`;
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
export function headerLogHoweverCut(bytes: Buffer): string {
  const whole = headerLog(bytes);
  const everywhere = Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
  for (const cuts of [...everywhere.map((cut) => [cut]), everywhere]) {
    const log = headerLog(bytes, cuts);
    if (log !== whole) throw new Error(`${log} when cut at ${cuts.join(', ')}, but ${whole} when not`);
  }
  return whole;
}

function feedBorrowed(reader: ProxyHeaderReader, slice: Buffer): number {
  const buffer = Buffer.alloc(slice.length + 2 * MARGIN, JUNK);
  slice.copy(buffer, MARGIN);
  const behind = reader.feed(buffer, MARGIN, MARGIN + slice.length);
  // The reader only borrows the bytes. A reader that still reads them after the call gets different ones.
  buffer.fill(JUNK);
  if (behind === MORE) return MORE;
  if (behind < MARGIN || behind > MARGIN + slice.length) throw new Error(`a position out of bounds: ${behind}`);
  return behind - MARGIN;
}

function describeHeader({ header: { version, source, destination } }: ProxyHeaderReader): string {
  if (source === null || destination === null) return `v${version} none`;
  return `v${version} ${source.address} ${source.port} > ${destination.address} ${destination.port}`;
}
