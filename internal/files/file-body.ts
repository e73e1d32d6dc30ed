import type { Exchange } from '../exchange/index.ts';
import type { BodyPart } from './body-part.ts';
import type { OpenFile } from './open-file.ts';
import type { PacedResponse } from './paced-response.ts';
import { readBuffers } from './read-buffers.ts';

/**
 * Size of the first reads, and of all reads for clients that do not accept everything at once: what a socket buffer
 * mostly accepts at once, and the memory that a slow client costs.
 */
export const READ_SIZE = 65_536;

/**
 * Sends a response whose body comes from a file, and ends it. Sends nothing once the client has left. The head is sent
 * after the first bytes were read, so that a file that cannot be read is answered with an error and not with a cut
 * response.
 * @param respond sends the head
 * @throws ProxyError file_error if the file has become shorter; errors of the file system
 */
export async function sendFileBody(
  exchange: Exchange,
  response: PacedResponse,
  file: OpenFile,
  parts: readonly BodyPart[],
  respond: () => void,
): Promise<void> {
  const body = new FileBody(exchange, response, file, respond);
  try {
    for (const part of parts) await body.sendPart(part);
    if (!response.aborted) await body.end();
  } finally {
    body.close();
  }
}

class FileBody {
  readonly #exchange: Exchange;
  readonly #response: PacedResponse;
  readonly #file: OpenFile;
  readonly #respond: () => void;
  /**
   * One buffer serves the whole body while the client accepts all bytes at once. If it does not, the buffer stays lent
   * to the connection and is not used again.
   */
  #narrow: Buffer | null = null;
  /** One of the shared buffers, for a client that has accepted everything so far. */
  #wide: Buffer | null = null;
  /** The buffer whose bytes were written since the last flush. */
  #unsent: 'nothing' | 'narrow' | 'wide' = 'nothing';
  #takesAll = false;

  constructor(exchange: Exchange, response: PacedResponse, file: OpenFile, respond: () => void) {
    this.#exchange = exchange;
    this.#response = response;
    this.#file = file;
    this.#respond = respond;
  }

  async sendPart({ text, start, end }: BodyPart): Promise<void> {
    for (let position = start, first = true; first || position < end; first = false) {
      await this.#flush();
      if (this.#response.aborted) return;
      const buffer = this.#bufferFor(end - position);
      const next = Math.min(position + buffer.length, end);
      await this.#file.readFully(buffer, position, next);
      if (this.#response.aborted) return;
      this.#begin();
      if (first && text !== null) this.#exchange.write(text, 0, text.length);
      if (next > position) this.#exchange.write(buffer, 0, next - position);
      this.#unsent = buffer === this.#wide ? 'wide' : 'narrow';
      position = next;
    }
  }

  /** Sends the last bytes together with the end, unless they are in a shared buffer that another response may need. */
  async end(): Promise<void> {
    if (this.#unsent === 'wide') await this.#flush();
    if (this.#response.aborted) return;
    this.#begin();
    this.#exchange.end(null);
  }

  /** Must be called when nothing more is sent. */
  close(): void {
    if (this.#wide === null) return;
    if (this.#unsent === 'wide') readBuffers.forget();
    else readBuffers.giveBack(this.#wide);
    this.#wide = null;
  }

  #begin(): void {
    if (!this.#exchange.responded) this.#respond();
  }

  #bufferFor(bytes: number): Buffer {
    if (this.#takesAll && bytes > READ_SIZE) {
      this.#wide ??= readBuffers.take();
      if (this.#wide !== null) return this.#wide;
    }
    const needed = Math.min(bytes, READ_SIZE);
    if (this.#narrow === null || this.#narrow.length < needed) this.#narrow = Buffer.allocUnsafe(needed);
    return this.#narrow;
  }

  async #flush(): Promise<void> {
    if (this.#unsent === 'nothing') return;
    this.#takesAll = await this.#response.flush();
    if (!this.#takesAll) {
      this.#narrow = null;
      // All its bytes have been sent by now or its connection has closed, but this was not confirmed.
      if (this.#wide !== null) readBuffers.forget();
      this.#wide = null;
    }
    this.#unsent = 'nothing';
  }
}
