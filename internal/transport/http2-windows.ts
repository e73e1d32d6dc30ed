import type { Deadline, Deadlines } from '../base/index.ts';
import type { SettledSession } from './http2-breakage.ts';

/** The window of a stream while too much is unread: what RFC 9113 §6.9.2 begins with. */
const SHORT_WINDOW_BYTES = 65_535;

/** Milliseconds between two looks while some stream is not read. */
const LOOK_MS = 100;

/** Windows are opened again when so small a part of the bound is unread. */
const OPEN_AGAIN = 1 / 4;

/**
 * How many times the bound may be unread. A peer may have sent that much before it learns of the short windows; one that
 * does not heed them would go on.
 */
const MOST_UNREAD = 8;

/** Windows of a session (RFC 9113 §5.2), in bytes. */
export interface WindowSizes {
  /** What may come on one stream before it is read. */
  readonly h2StreamWindow: number;
  /** What may be under way on all streams; unread bytes beyond it make the windows of streams short. */
  readonly h2ConnectionWindow: number;
}

/** What is not read on the streams of a session. */
export interface UnreadStreams {
  /** Bytes that have come and wait. */
  readonly unreadBytes: number;
  /** Some stream is not being read. */
  readonly anyStopped: boolean;
  /** Ends streams that hold so many unread bytes together, the newest first. Left out where the peer is trusted. */
  shed?(bytes: number): void;
}

/**
 * Bounds what the unread streams of a session hold. The window of each is large, so that one of them alone is fast, and
 * node:http2 gives the window of the connection back as bytes come, read or not. Therefore, when more than the window of
 * the connection is unread, a SETTINGS frame makes the windows of all streams short, until most of it was read. Streams
 * that hold more than MOST_UNREAD times as much in spite of that are ended.
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

  /** Some stream is not read any more, or not yet. */
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
