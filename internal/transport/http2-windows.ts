import type { Deadline, Deadlines } from '../base/index.ts';
import type { SettledSession } from './http2-breakage.ts';

/** The window of a stream while too much is unread: the initial window of RFC 9113 §6.9.2. */
const SHORT_WINDOW_BYTES = 65_535;

/** Milliseconds between two checks while some stream is not being read. */
const LOOK_MS = 100;

/** Windows are opened again when no more than this share of the limit is unread. */
const OPEN_AGAIN = 1 / 4;

/**
 * How many times the limit may be unread. A peer may have sent this much before it learns of the short windows. A peer
 * that ignores them would continue.
 */
const MOST_UNREAD = 8;

/** Windows of a session (RFC 9113 §5.2), in bytes. */
export interface WindowSizes {
  /** Bytes that may arrive on one stream before they are read. */
  readonly h2StreamWindow: number;
  /**
   * Bytes that may be in flight on all streams together. If more are unread, the windows of the streams become short.
   */
  readonly h2ConnectionWindow: number;
}

/** The unread bytes of the streams of a session. */
export interface UnreadStreams {
  /** Bytes that have arrived and are not read. */
  readonly unreadBytes: number;
  /** Whether some stream is not being read. */
  readonly anyStopped: boolean;
  /** Ends the newest streams until they account for this number of unread bytes. Not defined if the peer is trusted. */
  shed?(bytes: number): void;
}

/**
 * Limits the memory of the unread streams of a session. The window of each stream is large, so that a single stream is
 * fast, and node:http2 returns the window of the connection as bytes arrive, whether they are read or not. Therefore,
 * when more than the window of the connection is unread, a SETTINGS frame shortens the windows of all streams, until
 * most of the bytes have been read. If MOST_UNREAD times as much is unread in spite of that, streams are ended.
 */
export class Http2Windows {
  private readonly session: SettledSession;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly sizes: WindowSizes;
  private readonly streams: UnreadStreams;
  private short = false;

  constructor(session: SettledSession, deadlines: Deadlines, sizes: WindowSizes, streams: UnreadStreams) {
    this.session = session;
    this.deadlines = deadlines;
    this.sizes = sizes;
    this.streams = streams;
    this.deadline = deadlines.create(() => this.look());
  }

  /** Called when a stream is not read any more, or not yet. */
  watch(): void {
    if (this.deadline.at === 0) this.deadlines.set(this.deadline, LOOK_MS);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
  }

  private look(): void {
    const { session, sizes } = this;
    if (session.destroyed || session.closed) return;
    const { unreadBytes, anyStopped } = this.streams;
    const bound = sizes.h2ConnectionWindow;
    if (this.short ? unreadBytes <= bound * OPEN_AGAIN : unreadBytes > bound) {
      this.short = !this.short;
      const { h2StreamWindow } = sizes;
      session.settings({
        initialWindowSize: this.short ? Math.min(SHORT_WINDOW_BYTES, h2StreamWindow) : h2StreamWindow,
      });
    }
    if (unreadBytes > bound * MOST_UNREAD) this.streams.shed?.(unreadBytes - bound * MOST_UNREAD);
    if (anyStopped || this.short) this.watch();
  }
}
