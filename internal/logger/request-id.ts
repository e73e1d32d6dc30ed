import { randomBytes } from 'node:crypto';

/** Ids of one block share all but their last three digits, which come from a table. */
const BLOCK = 4096;
const LAST_DIGITS: readonly string[] = Array.from({ length: BLOCK }, (_, n) => n.toString(16).padStart(3, '0'));
/** Five hex digits of blocks: 2^32 ids, some 12 hours at 100,000 a second, until a new prefix is drawn. */
const BLOCKS = 0x10_0000;

/**
 * Makes request ids of 20 hex digits: 48 random bits drawn for this source, then a counter. Unique across workers,
 * restarts and hosts for every practical purpose, and of one width; not secret, as the next one can be foreseen.
 * What a client sends as an id is never taken over: it could forge the ids of others.
 */
export class RequestIds {
  #prefix = randomPrefix();
  #block = 0;
  #head = '';
  #next = BLOCK;

  /** A new id. */
  next(): string {
    if (this.#next === BLOCK) this.#startBlock();
    return this.#head + LAST_DIGITS[this.#next++];
  }

  #startBlock(): void {
    if (this.#block === BLOCKS) {
      this.#prefix = randomPrefix();
      this.#block = 0;
    }
    this.#head = this.#prefix + this.#block.toString(16).padStart(5, '0');
    this.#block++;
    this.#next = 0;
  }
}

function randomPrefix(): string {
  return randomBytes(6).toString('hex');
}

/** The ids of this process. */
export const requestIds = new RequestIds();
