import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/** Milliseconds between two checks. A broken connection is closed after two checks at the latest. */
const LOOK_MS = 500;

/** A session that is never quiet is probed once in this number of checks. */
const BUSY_LOOKS = 5;

/** The most probes without an acknowledgement of the peer. node:http2 gives up a session that has ten. */
const MAX_UNACKNOWLEDGED = 8;

/** The first major version of Node in which node:http2 itself closes a session that nghttp2 has ended. */
const FIRST_TELLING_LINE = 24;

const SILENT = Number(process.versions.node.split('.', 1)[0]) < FIRST_TELLING_LINE;

/** The part of a node:http2 session that is used here. */
export interface SettledSession {
  readonly closed: boolean;
  readonly destroyed: boolean;
  /** Sends SETTINGS. */
  settings(settings: { initialWindowSize?: number }, acknowledged?: (error: Error | null) => void): void;
}

/** The owner of the watched session. */
export interface BreakageOwner {
  /**
   * Whether a write may be in progress because the peer does not accept it. A frame that is not sent then proves
   * nothing.
   */
  readonly writing: boolean;
  /**
   * The session does not send frames any more.
   * @param unsent whether nothing was sent since the last `check` that returned true
   */
  onBroken(unsent: boolean): void;
}

/**
 * Detects that nghttp2 has ended a session because of a connection error (RFC 9113 §5.4.1). node:http2 of Node 20 does
 * not report this: the GOAWAY is sent, the connection stays open, and every later frame is dropped silently.
 *
 * The probe is a SETTINGS frame without a setting. Its acknowledgement does not matter: a live session sends the frame
 * at once, unless a write is in progress because the peer does not accept it; an ended session never sends it. A PING
 * would do as well, but gRPC servers count PINGs. Only bytes of the peer can end a session, so a session is probed once
 * after some have arrived.
 */
export class Http2Breakage {
  private readonly session: SettledSession;
  private readonly socket: Socket;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly owner: BreakageOwner;
  /**
   * Number of bytes that the peer had sent at the last check, and number up to which the session is known to be alive.
   */
  private readBefore = 0;
  private readAlive = 0;
  private busyLooks = 0;
  private writtenBefore = 0;
  private checking = false;
  private unacknowledged = 0;

  /** Watches a session, if this version of Node does not report its end. Returns null otherwise. */
  static watch(
    session: SettledSession,
    socket: Socket,
    deadlines: Deadlines,
    owner: BreakageOwner,
  ): Http2Breakage | null {
    return SILENT ? new Http2Breakage(session, socket, deadlines, owner) : null;
  }

  private constructor(session: SettledSession, socket: Socket, deadlines: Deadlines, owner: BreakageOwner) {
    this.session = session;
    this.socket = socket;
    this.deadlines = deadlines;
    this.owner = owner;
    this.deadline = deadlines.create(() => this.look());
    deadlines.set(this.deadline, LOOK_MS);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
  }

  /**
   * Called before frames are written. Checks at the end of this turn of the event loop whether they were sent.
   * @returns whether a check began; false while another one is in progress
   */
  check(): boolean {
    if (this.checking) return false;
    this.checking = true;
    this.writtenBefore = this.socket.bytesWritten;
    setImmediate(endCheck, this);
    return true;
  }

  /** @internal If nothing was written, the frames may be waiting for a write in progress. */
  endCheck(): void {
    this.checking = false;
    if (this.socket.bytesWritten === this.writtenBefore) this.probe(true);
  }

  private look(): void {
    if (this.session.destroyed) return;
    const { bytesRead } = this.socket;
    const quiet = bytesRead === this.readBefore;
    this.readBefore = bytesRead;
    if (quiet ? bytesRead !== this.readAlive : ++this.busyLooks % BUSY_LOOKS === 0) this.probe(false);
    this.deadlines.set(this.deadline, LOOK_MS);
  }

  private probe(unsent: boolean): void {
    const { session, socket } = this;
    if (session.closed || session.destroyed || this.unacknowledged >= MAX_UNACKNOWLEDGED) return;
    const { bytesRead, bytesWritten } = socket;
    this.unacknowledged++;
    session.settings({}, (error) => {
      this.unacknowledged--;
      // The acknowledgement itself needs no further probe.
      if (error === null) this.readAlive = socket.bytesRead;
    });
    // node:http2 writes its frames at the end of this turn of the event loop.
    setImmediate(() => {
      if (session.destroyed || socket.destroyed) return;
      if (socket.bytesWritten !== bytesWritten) this.readAlive = Math.max(this.readAlive, bytesRead);
      else if (!this.owner.writing) this.owner.onBroken(unsent);
    });
  }
}

function endCheck(breakage: Http2Breakage): void {
  breakage.endCheck();
}
