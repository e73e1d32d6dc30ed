import { randomBytes } from 'node:crypto';

/** Ids of one block share all digits except the last three, which come from a table. */
const BLOCK = 4096;
const LAST_DIGITS: readonly string[] = Array.from({ length: BLOCK }, (_, n) => n.toString(16).padStart(3, '0'));
/**
 * Number of blocks, five hex digits. That makes 2^32 ids, enough for some 12 hours at 100,000 a second, before a new
 * prefix is drawn.
 */
const BLOCKS = 0x10_0000;

/**
 * Makes request ids of 20 hex digits: 48 random bits for this source, then a counter. They are unique across workers,
 * restarts and hosts for every practical purpose, and all have the same width. They are not secret, because the next
 * one can be predicted. prox does not adopt an id that a client sends: a client could forge the ids of others.
 */
export class RequestIds {
  #prefix = randomPrefix();
  #block = 0;
  #head = '';
  #next = BLOCK;

  /** Returns a new id. */
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
