import type { SettledSession } from '../../transport/index.ts';
import type { Http2RequestHead } from '../upstream-link.ts';

/**
 * What links and sessions of HTTP/2 ask of a codec, and what it tells them. node-http2.ts stands behind it; nothing else
 * of this package knows node:http2.
 */

/** One stream to an upstream (RFC 9113 §5.1): a request, and the response to it. */
export interface ClientStream {
  /** Its identifier; undefined when it has none yet. */
  readonly id: number | undefined;
  /** The code that it was reset with; 0 while it was not. */
  readonly resetCode: number;
  /** It was closed before the upstream had ended its side: what came is not all. */
  readonly truncated: boolean;
  /** Begins to tell what happens on the stream. */
  attach(owner: ClientStreamOwner): void;

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Content may be given. */
  readonly writable: boolean;
  /** Bytes of content that were given and have not left. */
  readonly unsent: number;
  /** No more content should be given before `streamOnDrain`. */
  readonly full: boolean;
  /** Gives content. Its memory is in use until it has left, which `onWritten` tells. */
  write(content: Buffer, onWritten: () => void): void;
  /** The last content was given. */
  end(): void;

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes of content that have come and wait. */
  readonly unread: number;
  /** Content is told from now on. */
  startReading(): void;
  pause(): void;
  resume(): void;

  /** Resets the stream with CANCEL (RFC 9113 §7), so that the request cannot be taken for complete. */
  cancel(): void;
}

/** What a stream tells. Each of these methods keeps what it throws to the exchange. */
export interface ClientStreamOwner {
  /**
   * A head has come, interim or final. Also told of trailers that hold a status.
   * @param status what `:status` says
   * @param pairs name, value, name, value …
   * @param ended whether it ends the stream
   */
  streamOnHead(status: unknown, pairs: readonly string[], ended: boolean): void;
  streamOnTrailers(pairs: readonly string[]): void;
  streamOnData(content: Buffer): void;
  /** The content is over. Also told of a stream that was reset. */
  streamOnEnd(): void;
  /** There is room for content again. */
  streamOnDrain(): void;
  /** The content has left. @returns the section that ends the stream; an empty one is an empty DATA frame */
  streamWantsTrailers(): Http2RequestHead;
  /** The last word. */
  streamOnClose(): void;
}

/** The connection to an upstream, as its streams share it. */
export interface ClientSession extends SettledSession {
  /** The upstream takes extended CONNECT (RFC 8441 §3). */
  readonly takesExtendedConnect: boolean;
  /**
   * Sends a request head.
   * @param ended nothing follows it
   * @param beforeTrailers a trailer section may end the stream: `streamWantsTrailers` is asked for it behind the content
   * @throws Error when the session does not take it any more
   */
  request(head: Http2RequestHead, ended: boolean, beforeTrailers: boolean): ClientStream;
  /** Sends a PING. @returns false when it cannot be sent; else `onAnswer` follows, also when the session ends */
  ping(onAnswer: () => void): boolean;
  /** Ends all streams. */
  destroy(): void;
}

/** What a session tells. */
export interface ClientSessionOwner {
  /** The preface was sent. */
  sessionOnConnect(): void;
  /** The upstream has sent SETTINGS. @param maxStreams how many streams it takes at once; undefined for no limit */
  sessionOnSettings(maxStreams: number | undefined): void;
  /** The upstream has sent a GOAWAY: it did not look at streams above the last one (RFC 9113 §6.8). */
  sessionOnGoaway(code: number, lastStreamId: number): void;
  /** The connection has failed. @param byProtocol the codec has ended it for what the upstream sent */
  sessionOnError(error: Error, byProtocol: boolean): void;
  sessionOnClose(): void;
}
