import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/** Milliseconds between two looks. A connection that was lost is closed after two of them at the latest. */
const LOOK_MS = 500;

/** A session that is never quiet is probed at every so many looks. */
const BUSY_LOOKS = 5;

/** Probes that the peer has not acknowledged: node:http2 gives a session up that has ten. */
const MAX_UNACKNOWLEDGED = 8;

/** The first line of Node on which node:http2 closes a session itself when nghttp2 has ended it. */
const FIRST_TELLING_LINE = 24;

const SILENT = Number(process.versions.node.split('.', 1)[0]) < FIRST_TELLING_LINE;

/** What is used of a session of node:http2. */
export interface SettledSession {
  readonly closed: boolean;
  readonly destroyed: boolean;
  /** Sends SETTINGS. */
  settings(settings: { initialWindowSize?: number }, acknowledged?: (error: Error | null) => void): void;
}

/** Whose session is watched. */
export interface BreakageOwner {
  /** Whether a write may be under way that the peer has not taken: then a frame that does not leave says nothing. */
  readonly writing: boolean;
  /**
   * The session takes no frame any more.
   * @param unsent nothing has left since the last `check` that said true
   */
  onBroken(unsent: boolean): void;
}

/**
 * Finds out that nghttp2 has ended a session for an error of the connection (RFC 9113 §5.4.1), which node:http2 of Node 20
 * keeps to itself: the GOAWAY is sent, the connection stays open, and every frame that is given later is dropped
 * without a word.
 *
 * The probe is a SETTINGS frame without a setting. It is not its acknowledgement that counts: a session that lives writes
 * the frame at once, unless a write is under way that the peer has not taken; one that has ended does not. A PING would do as well, but servers of
 * gRPC count those. Only bytes of the peer can end a session, so that one is probed once after some have come.
 */
export class Http2Breakage {
  private readonly session: SettledSession;
  private readonly socket: Socket;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly owner: BreakageOwner;
  /** Bytes that the peer had sent at the last look, and up to which it is known that the session lives. */
  private readBefore = 0;
  private readAlive = 0;
  private busyLooks = 0;
  private writtenBefore = 0;
  private checking = false;
  private unacknowledged = 0;

  /** Watches a session, where this Node does not tell. */
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
   * Frames are about to be given: finds out, when this turn of the event loop is over, whether they leave.
   * @returns whether a check began; false while one is under way
   */
  check(): boolean {
    if (this.checking) return false;
    this.checking = true;
    this.writtenBefore = this.socket.bytesWritten;
    setImmediate(endCheck, this);
    return true;
  }

  /** @internal Where nothing was written, a write may be under way that the frames wait for. */
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
      // The acknowledgement is no reason for another probe.
      if (error === null) this.readAlive = socket.bytesRead;
    });
    // node:http2 writes what it was given when this turn of the event loop is over.
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
