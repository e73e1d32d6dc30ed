import { ProxyError } from '../../base/index.ts';
import type { Exchange } from '../../exchange/index.ts';
import type { OpenFile } from './open-file.ts';
import type { PacedResponse } from './paced-response.ts';

/** Some text, then the bytes of a file from `start`, inclusive, to `end`, exclusive. There may be none of either. */
export interface BodyPart {
  readonly text: Buffer | null;
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes read at once: what a socket buffer mostly takes in one go, and all that a slow client costs. Smaller files
 * are read in one go and leave in one write with the head.
 */
export const READ_SIZE = 65_536;

/**
 * Sends a response whose body comes from a file, and ends it. Nothing is sent once the client is gone. The head is
 * given when the first bytes were read, so that a file that cannot be read is answered with an error and not with a
 * cut response.
 * @param respond gives the head
 * @throws ProxyError file_error when the file became shorter than it was; errors of the file system
 */
export async function sendFileBody(
  exchange: Exchange,
  response: PacedResponse,
  file: OpenFile,
  parts: readonly BodyPart[],
  respond: () => void,
): Promise<void> {
  // One buffer serves the whole body as long as the client takes all bytes at once; what it does not take at once
  // stays borrowed for good.
  let buffer: Buffer | null = null;
  let unsent = false;
  for (const { text, start, end } of chunksOf(parts)) {
    if (unsent && !(await response.flush())) buffer = null;
    if (response.aborted) return;
    const length = end - start;
    if (buffer === null || buffer.length < length) buffer = Buffer.allocUnsafe(length);
    await readFully(file, buffer, start, end);
    if (response.aborted) return;
    if (!exchange.responded) respond();
    if (text !== null) exchange.write(text, 0, text.length);
    if (length > 0) exchange.write(buffer, 0, length);
    unsent = true;
  }
  if (!exchange.responded) respond();
  // The last bytes leave together with the end.
  exchange.end(null);
}

/** The parts, cut into pieces that are read at once. */
function* chunksOf(parts: readonly BodyPart[]): Generator<BodyPart> {
  for (const part of parts) {
    let { text, start } = part;
    do {
      const end = Math.min(start + READ_SIZE, part.end);
      yield { text, start, end };
      text = null;
      start = end;
    } while (start < part.end);
  }
}

/** A read may give less than was asked for, on network file systems above all. */
async function readFully(file: OpenFile, buffer: Buffer, start: number, end: number): Promise<void> {
  for (let position = start; position < end;) {
    const bytesRead = await file.read(buffer, position - start, end - position, position);
    if (bytesRead === 0) throw new ProxyError('file_error', `the file ends at byte ${position}, ${end} were promised`);
    position += bytesRead;
  }
}
