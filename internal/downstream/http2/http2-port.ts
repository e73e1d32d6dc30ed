import type { SettledSession } from '../../transport/index.ts';

/**
 * The interface between exchanges and sessions of HTTP/2 and a codec. node-http2.ts implements it; no other file of this
 * package uses node:http2.
 */

/** A field section as it is sent: pseudo-fields first, names in lower case. It has no prototype. */
export type Http2Fields = Record<string, string | number | string[] | undefined>;

/** One stream of a client (RFC 9113 §5.1): a request, and the response to it. */
export interface ServerStream {
  /** Its identifier; 0 when the stream is gone and had none. */
  readonly id: number;
  /** Nothing more can be sent or received. */
  readonly gone: boolean;
  /** The code that it was reset with; 0 while it was not. */
  readonly resetCode: number;

  /** Starts to report events of the stream. @param hasContent whether content may follow the head of the request */
  attach(owner: ServerStreamOwner, hasContent: boolean): void;

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────

  /** A final head was given. */
  readonly headSent: boolean;
  /** Bytes of content that were given and have not left. */
  readonly unsent: number;
  /** No more content should be given before `streamOnDrain`. */
  readonly full: boolean;
  /** The last content was given. */
  readonly ended: boolean;
  /** Sends an interim head. */
  sendInterim(head: Http2Fields): void;
  /** Sends the final head, which ends the stream when it is the `last` frame. */
  sendHead(head: Http2Fields, last: boolean): void;
  /** The same if a trailer section may end the stream: `streamWantsTrailers` is called for it after the content. */
  sendHeadBeforeTrailers(head: Http2Fields): void;
  /** Gives content. Its memory is in use until it has left. */
  write(content: Buffer): void;
  /** Ends the content, with a last piece if there is one. */
  end(content: Buffer | null): void;

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes of content that were received and not read yet. */
  readonly unread: number;
  /** Starts to report content. */
  startReading(): void;
  pause(): void;
  resume(): void;

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends the stream by RST_STREAM; content that was given leaves before it. */
  close(code: number): void;
  /** Ends the stream by RST_STREAM, so that the client cannot take the response as complete. */
  abort(error: Error): void;
}

/** Gets the events of a stream. An error in one of these methods ends the exchange alone. */
export interface ServerStreamOwner {
  streamOnData(content: Buffer): void;
  /** The content has ended. Called for a stream that was reset, too. */
  streamOnEnd(): void;
  /** A trailer section has come. @param pairs name, value, name, value … */
  streamOnTrailers(pairs: readonly string[]): void;
  /** There is room for content again. */
  streamOnDrain(): void;
  /** The content has left. @returns the section that ends the stream; an empty one is an empty DATA frame */
  streamWantsTrailers(): Http2Fields;
  /** Why the stream is about to close. */
  streamOnError(error: Error): void;
  /** The stream has closed. No call follows. */
  streamOnClose(): void;
}

/** The connection of a client, as its streams share it. */
export interface ServerSession extends SettledSession {
  /** Frames that wait to be sent. */
  readonly queuedFrames: number;
  /** Sends a PING. @returns false when it cannot be sent; else `onAnswer` follows, also when the session ends */
  ping(onAnswer: () => void): boolean;
  /** Sends a GOAWAY (RFC 9113 §6.8); streams that are open go on. */
  close(): void;
  /** Ends all streams, and sends a GOAWAY with the code. */
  destroy(error: Error, code: number): void;
}

/** Gets the events of a session. */
export interface ServerSessionOwner {
  /**
   * A request has come.
   * @param pairs its head: name, value, name, value …
   * @param ended whether nothing follows the head
   */
  sessionOnStream(stream: ServerStream, pairs: readonly string[], ended: boolean): void;
  /** The client has sent SETTINGS. */
  sessionOnSettings(): void;
  /** The client has sent a PING, which was answered. */
  sessionOnPing(): void;
  /** The client has sent a GOAWAY. */
  sessionOnGoaway(code: number): void;
  /** The connection has failed. @param byProtocol the codec has ended it for what the client sent */
  sessionOnError(error: Error, byProtocol: boolean): void;
  sessionOnClose(): void;
}
