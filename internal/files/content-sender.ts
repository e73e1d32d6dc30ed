import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';
import { reasonPhrase } from '../message/index.ts';
import type { AnswerPlan } from './answer-plan.ts';
import type { BodyPart } from './body-part.ts';
import type { CachedFile } from './cached-file.ts';
import type { FileCache } from './file-cache.ts';

/**
 * Bytes given to an exchange at once where it may copy what the client does not take: TLS keeps them encrypted, and a
 * speed limit holds them. Everywhere else they stay what they are, one memory for all clients, and go at once.
 */
const PIECE_BYTES = 65_536;

/** Gives the head of an answer. */
export function respondWith(exchange: Exchange, { status, fields, length }: AnswerPlan): void {
  exchange.respond(status, reasonPhrase(status), fields, length);
}

/** Sends an answer without a body, or one that HEAD asked for. */
export function sendHead(exchange: Exchange, plan: AnswerPlan): void {
  respondWith(exchange, plan);
  exchange.end(null);
}

/** Sends an answer whose body comes from memory, at the client's pace. `file` is held in the cache as long as that takes. */
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
    // What a client does not take at once of so little may stay in use by its connection alone.
    writeSome(exchange, content, part.start, part.end);
    exchange.end(null);
    return;
  }
  new ContentSender(exchange, plan.parts, content, file, cache).send();
}

/**
 * Gives some bytes of contents. Few bytes of large contents are copied: an exchange may keep them for a client that does not
 * take them, and say that it can take more all the same, and all of the contents would stay in memory with them.
 */
function writeSome(exchange: Exchange, content: Buffer, start: number, end: number): void {
  if (end - start >= PIECE_BYTES || content.length <= PIECE_BYTES) return exchange.write(content, start, end);
  // Not of Node's pool, of which a slow client would keep 64 KiB for any piece.
  const copy = Buffer.allocUnsafeSlow(end - start);
  content.copy(copy, 0, start, end);
  exchange.write(copy, 0, copy.length);
}

/** Sends what is more than a client may take at once. */
class ContentSender implements ExchangeHandler {
  readonly #exchange: Exchange;
  readonly #parts: readonly BodyPart[];
  readonly #content: Buffer;
  readonly #file: CachedFile;
  readonly #cache: FileCache;
  readonly #piece: number;
  /** The part that is next, and where in it; behind the last one everything was given. */
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

  /** Sends until the client can take no more, or everything has left. */
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

  // The request is never resumed, so that there is nothing to take.
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
