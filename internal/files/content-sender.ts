import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';
import { reasonPhrase } from '../message/index.ts';
import type { AnswerPlan } from './answer-plan.ts';
import type { BodyPart } from './body-part.ts';
import type { CachedFile } from './cached-file.ts';
import type { FileCache } from './file-cache.ts';

/**
 * Bytes that are passed to an exchange at once if it may copy bytes that the client does not accept: TLS keeps them
 * encrypted, and a speed limit holds them. Otherwise all bytes are passed at once, and all clients share their memory.
 */
const PIECE_BYTES = 65_536;

/** Sends the head of an answer. */
export function respondWith(exchange: Exchange, { status, fields, length }: AnswerPlan): void {
  exchange.respond(status, reasonPhrase(status), fields, length);
}

/** Sends an answer without a body, or the answer to a HEAD. */
export function sendHead(exchange: Exchange, plan: AnswerPlan): void {
  respondWith(exchange, plan);
  exchange.end(null);
}

/** Sends an answer whose body is in memory, at the client's pace. The cache keeps `file` until it is sent. */
export function sendContent(
  exchange: Exchange,
  plan: AnswerPlan,
  content: Buffer,
  file: CachedFile,
  cache: FileCache,
): void {
  respondWith(exchange, plan);
  const [part] = plan.parts;
  if (plan.parts.length === 1 && part.text === null && part.end - part.start < PIECE_BYTES) {
    // Only the connection of this client keeps the few bytes that it does not accept at once.
    writeSome(exchange, content, part.start, part.end);
    exchange.end(null);
    return;
  }
  new ContentSender(exchange, plan.parts, content, file, cache).send();
}

/**
 * Writes some bytes of contents. A few bytes of large contents are copied. An exchange may keep them for a client that
 * does not accept them, although it reports that it can accept more, and the whole contents would stay in memory with
 * them.
 */
function writeSome(exchange: Exchange, content: Buffer, start: number, end: number): void {
  if (end - start >= PIECE_BYTES || content.length <= PIECE_BYTES) return exchange.write(content, start, end);
  // Not from Node's pool, because a slow client would keep 64 KiB of it for any piece.
  const copy = Buffer.allocUnsafeSlow(end - start);
  content.copy(copy, 0, start, end);
  exchange.write(copy, 0, copy.length);
}

/** Sends contents that a client may not accept at once. */
class ContentSender implements ExchangeHandler {
  readonly #exchange: Exchange;
  readonly #parts: readonly BodyPart[];
  readonly #content: Buffer;
  readonly #file: CachedFile;
  readonly #cache: FileCache;
  readonly #piece: number;
  /** The next part, and the position in it; beyond the last part everything was written. */
  #index = 0;
  #position = -1;
  #over = false;

  constructor(exchange: Exchange, parts: readonly BodyPart[], content: Buffer, file: CachedFile, cache: FileCache) {
    this.#exchange = exchange;
    this.#parts = parts;
    this.#content = content;
    this.#file = file;
    this.#cache = cache;
    this.#piece = exchange.secure || exchange.route.speed !== null ? PIECE_BYTES : content.length;
    exchange.handler = this;
    cache.hold(file);
  }

  /** Writes until the client can accept no more, or everything was written. */
  send(): void {
    let result: FlushResult = FlushResult.taken;
    try {
      while (result !== FlushResult.full && this.#index < this.#parts.length) {
        this.#writePiece();
        result = this.#exchange.flush();
      }
    } catch (error) {
      this.#release();
      throw error;
    }
    if (result === FlushResult.full || this.#over) return;
    this.#release();
    this.#exchange.end(null);
  }

  onDrain(): void {
    if (!this.#over) this.send();
  }

  onAbort(): void {
    this.#release();
    this.#index = this.#parts.length;
  }

  // The request is never resumed, so no body arrives.
  onRequestBody(): void {}
  onRequestFlush(): void {}
  onRequestEnd(): void {}

  #writePiece(): void {
    const { text, start, end } = this.#parts[this.#index];
    if (this.#position < 0) {
      this.#position = start;
      if (text !== null) this.#exchange.write(text, 0, text.length);
    }
    const next = Math.min(this.#position + this.#piece, end);
    if (next > this.#position) writeSome(this.#exchange, this.#content, this.#position, next);
    this.#position = next;
    if (next < end) return;
    this.#index++;
    this.#position = -1;
  }

  #release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cache.release(this.#file);
  }
}
