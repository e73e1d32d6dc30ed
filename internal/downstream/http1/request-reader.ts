import { ProxyError } from '../../base/index.ts';
import { MORE } from '../../http1/index.ts';
import type { Fields, Framing } from '../../message/index.ts';
import type { Connection } from '../../transport/index.ts';
import type { SessionSpeed } from '../session-speed.ts';
import type { HeadIntake } from './head-intake.ts';
import type { Http1Exchange } from './http1-exchange.ts';
import { RequestBody } from './request-body.ts';

/**
 * The state of reading from a client. Only this file changes it. A transition that is not drawn here throws an error, as it
 * is a fault of prox.
 *
 *     idle ──first byte──> head ──complete──> waiting ──it has a body, or became a tunnel──> body
 *       ↑                                      │  ↑                                          │  │
 *       ├───────────── response over ──────────┘  └────────────── complete ──────────────────┘  │
 *       └───────────── complete ─────────────── discard <────────── response over ──────────────┘
 *
 *     all of them ──the connection is to end──> linger ──> closed
 *         └────────────────────────────────────────────────────↑
 *
 * In `linger` the last response is on its way, and further bytes are discarded; in `closed` nothing is read any more.
 * A tunnel is a body that ends with the connection.
 */
export const Reading = { idle: 0, head: 1, waiting: 2, body: 3, discard: 4, linger: 5, closed: 6 } as const;
export type Reading = (typeof Reading)[keyof typeof Reading];

/** `linger` and `closed` may follow all other states. */
const ENDS = (1 << Reading.linger) | (1 << Reading.closed);

/** The states that may follow each, a bit for each of them. */
const MAY_FOLLOW: readonly number[] = [
  ENDS | (1 << Reading.head),
  ENDS | (1 << Reading.waiting),
  ENDS | (1 << Reading.idle) | (1 << Reading.body),
  ENDS | (1 << Reading.waiting) | (1 << Reading.discard),
  ENDS | (1 << Reading.idle),
  ENDS,
  1 << Reading.closed,
];

/** The session whose requests are read. */
export interface RequestOwner {
  /** False while the client has to take pending answers first: no request begins. */
  readonly mayBegin: boolean;
  /** The first byte of a request has come. */
  requestBegins(): void;
  /** The first read of a head has brought a part of it. */
  headIncomplete(): void;
  /** A head is complete. May throw: then the request is refused, with its end known. */
  headComplete(): void;
  /** Bytes of a body came, and more are due. */
  bodyCame(bytes: number): void;
  /** The last bytes of a body came. */
  bodyComplete(bytes: number, trailers: Fields | null): void;
  /** Bytes of an unwanted body came, and more are due. */
  discarded(): void;
  /** An unwanted body has ended. */
  discardOver(): void;
  /** The bytes of one read were taken, as far as they can be. */
  readOver(): void;
  /** Bytes are kept for later. Until they are taken, prox cannot see what the client does after them. */
  bytesKept(): void;
  /** The client has ended its side, and all its bytes were taken. */
  clientEnded(): void;
  /** The bytes are malformed. @param inOrder whether the end of the request is known */
  refuse(thrown: unknown, inOrder: boolean): void;
}

/**
 * Reads the requests of a connection, one after another. Bytes that cannot be taken yet (pipelined requests, or a body that
 * the handler has not asked for) are kept, and the connection is paused. They are at most one read, and the bytes that were
 * under way at the pause.
 */
export class RequestReader {
  readonly heads: HeadIntake;
  readonly body = new RequestBody();
  /** The client has ended its side; earlier bytes may still be kept here. */
  ended = false;
  private now: Reading = Reading.idle;
  private readonly connection: Connection;
  private readonly speed: SessionSpeed;
  private readonly owner: RequestOwner;
  private kept: Buffer | null = null;
  private consuming = false;
  /** While bytes are consumed: where they end. */
  private consumeEnd = 0;
  /** While bytes are consumed: how many are behind the message that is under way. */
  private rest = 0;

  /** @param speed limits how fast bodies are taken */
  constructor(connection: Connection, heads: HeadIntake, speed: SessionSpeed, owner: RequestOwner) {
    this.connection = connection;
    this.heads = heads;
    this.speed = speed;
    this.owner = owner;
  }

  // ── the state ────────────────────────────────────────────────────────────────────────────────────────────────

  get state(): Reading {
    return this.now;
  }

  /** Whether no request has begun; the empty line that may stand before one (RFC 9112 §2.2) is none. */
  get betweenRequests(): boolean {
    return this.now === Reading.idle || (this.now === Reading.head && this.heads.nothingYet);
  }

  /** Whether no bytes are kept behind the current message. */
  get empty(): boolean {
    return this.kept === null && this.rest === 0;
  }

  /** Whether the current message is the last one of the client. */
  get nothingBehind(): boolean {
    return this.ended && this.empty;
  }

  /** The head is complete and was taken. */
  headTaken(): void {
    this.become(Reading.waiting);
  }

  /** The request has a body, which is kept until `resumeBody`. @throws ProxyError body_too_large */
  expectBody(exchange: Http1Exchange, framing: Framing, maxBytes: number): void {
    this.become(Reading.body);
    this.body.start(exchange, framing, maxBytes);
  }

  /** The exchange has become a tunnel: all further bytes belong to it. */
  startTunnel(exchange: Http1Exchange): void {
    this.become(Reading.body);
    this.body.startTunnel(exchange);
    this.goOn();
  }

  /** The client has ended its side inside a body. @returns whether this completes the body, as in a tunnel */
  endBody(): boolean {
    if (!this.body.close()) return false;
    this.become(Reading.waiting);
    return true;
  }

  /** The response is over. @returns false if the body is not: it is discarded from now on */
  responseOver(): boolean {
    if (this.now === Reading.waiting) {
      this.next();
      return true;
    }
    this.become(Reading.discard);
    this.body.discard();
    return false;
  }

  /** The last response of the connection is on its way: further bytes are discarded. */
  linger(): void {
    this.become(Reading.linger);
    this.kept = null;
  }

  /** Nothing is read any more. */
  close(): void {
    this.become(Reading.closed);
    this.kept = null;
  }

  private next(): void {
    this.become(Reading.idle);
    this.heads.next();
  }

  private become(next: Reading): void {
    if (((MAY_FOLLOW[this.now] >> next) & 1) === 0) {
      throw new ProxyError('internal', `the state of reading is ${this.now}, and ${next} cannot follow`);
    }
    this.now = next;
  }

  // ── the bytes ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes came. */
  take(buffer: Buffer, start: number, end: number): void {
    if (this.kept !== null) this.keep(buffer, start, end);
    else this.consume(buffer, start, end);
  }

  /** The client has ended its side. Earlier bytes are taken first. */
  end(): void {
    this.ended = true;
    if (this.kept === null) this.owner.clientEnded();
  }

  /** Continues with the kept bytes. Does nothing inside `consume`, whose loop continues by itself. */
  goOn(): void {
    if (this.consuming) return;
    const { kept } = this;
    if (kept !== null) {
      this.kept = null;
      this.consume(kept, 0, kept.length);
    }
    if (this.kept !== null || this.mustWait) return;
    if (this.ended) this.owner.clientEnded();
    else this.connection.resume();
  }

  /** Whether bytes that come now have to be kept for later. */
  private get mustWait(): boolean {
    if (this.now === Reading.body) return this.body.paused || this.speed.uploadWaits;
    return this.now === Reading.waiting || (this.now === Reading.idle && !this.owner.mayBegin);
  }

  private consume(buffer: Buffer, start: number, end: number): void {
    let at = start;
    this.consuming = true;
    this.consumeEnd = end;
    try {
      while (at < end) {
        const next = this.read(buffer, at, end);
        if (next === at && this.mustWait) break;
        at = next;
      }
    } catch (error) {
      // The rest of this read is dropped, as its meaning is not known.
      at = end;
      this.owner.refuse(error, false);
    }
    this.consuming = false;
    this.rest = 0;
    if (at < end) this.keep(buffer, at, end);
    this.owner.readOver();
  }

  private keep(buffer: Buffer, start: number, end: number): void {
    const rest = buffer.subarray(start, end);
    this.kept = this.kept === null ? rest : Buffer.concat([this.kept, rest]);
    this.connection.pause();
    this.owner.bytesKept();
  }

  /** Takes bytes according to the state. @returns the position behind them @throws ProxyError */
  private read(buffer: Buffer, at: number, end: number): number {
    switch (this.now) {
      case Reading.idle:
        if (!this.owner.mayBegin) return at;
        this.become(Reading.head);
        this.owner.requestBegins();
        return this.readHead(buffer, at, end, true);
      case Reading.head:
        return this.readHead(buffer, at, end, false);
      case Reading.body:
        if (this.body.paused) return at;
        return this.readBody(buffer, at, this.speed.limitsUpload ? at + this.speed.takeUpload(end - at) : end);
      case Reading.discard:
        return this.afterDiscarded(this.body.feed(buffer, at, end));
      case Reading.waiting:
        return at;
      default:
        return end;
    }
  }

  private readHead(buffer: Buffer, at: number, end: number, first: boolean): number {
    const next = this.heads.feed(buffer, at, end);
    if (next === MORE) {
      if (first) this.owner.headIncomplete();
      return end;
    }
    this.rest = this.consumeEnd - next;
    try {
      this.owner.headComplete();
    } catch (error) {
      this.owner.refuse(error, true);
    }
    return next;
  }

  private readBody(buffer: Buffer, at: number, end: number): number {
    if (at === end) return at;
    const next = this.body.feed(buffer, at, end);
    // These bytes have ended the exchange.
    if (this.now !== Reading.body) return this.now === Reading.discard ? this.afterDiscarded(next) : end;
    if (this.body.done) {
      this.rest = this.consumeEnd - next;
      this.become(Reading.waiting);
      this.owner.bodyComplete(next - at, this.body.trailers);
    } else {
      this.owner.bodyCame(next - at);
    }
    return next;
  }

  private afterDiscarded(next: number): number {
    this.rest = this.consumeEnd - next;
    if (this.body.done) {
      this.next();
      this.owner.discardOver();
    } else {
      this.owner.discarded();
    }
    return next;
  }
}
