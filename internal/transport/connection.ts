import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { Gathering, giveRoomAway } from './gathering.ts';
import { leave, listenTo, type SocketOwner } from './socket-listeners.ts';
import { StallWatch } from './stall-watch.ts';
import type { TlsFacts } from './tls-facts.ts';

/** The state of written bytes. */
export const WriteState = {
  /** The kernel has all bytes, or the connection has copied them: their memory may be reused. */
  taken: 0,
  /** Some bytes wait to be sent, and their memory is still in use. More may be written. */
  pending: 1,
  /** As many bytes wait as are allowed. Nothing more should be written until `onDrain`. */
  full: 2,
} as const;
export type WriteState = (typeof WriteState)[keyof typeof WriteState];

/**
 * One socket: reading with pause and resume, writing in batches, one deadline.
 *
 * Writing: `text` and `bytes` collect data, and `flush` sends it. All data that is collected between two flushes is
 * sent in one system call if the kernel accepts it.
 */
export class Connection implements SocketOwner {
  handler: ConnectionHandler;
  readonly deadline: Deadline;
  /** Set by `destroy` and when the socket has closed. Writing has no effect then. */
  closed = false;
  /** Bytes received so far. */
  bytesRead = 0;
  /** Bytes given to `flush` so far. */
  bytesWritten = 0;
  /** The address to which the host name of the upstream was resolved; empty if the upstream has no host name. */
  dialed = '';
  private readonly socket: Socket;
  /** The socket below TLS; the socket itself without TLS. */
  private readonly carrier: Socket;
  private readonly deadlines: Deadlines;
  private readonly gathering = new Gathering();
  private corked = false;
  /**
   * Whether the waiting bytes may include memory of the caller. TLS never sends bytes at once, but it copies small
   * ones.
   */
  private lent = false;
  private error: Error | null = null;
  /** Created when a stall is watched for the first time. */
  private stalls: StallWatch | null = null;
  private readBuffer: Buffer | null;
  private address: string | null = null;
  private port: number | null = null;
  /** The address to which the client connected, as a trusted proxy reported it; null without one. */
  private assumedLocal: { readonly address: string; readonly port: number } | null = null;
  /** The results of the TLS handshake; null for a connection without TLS. */
  readonly tls: TlsFacts | null;

  /**
   * @param socket open, with half-open allowed; the connection attaches all its listeners.
   * @param readBuffer the buffer into which the socket reads, if it does not allocate one for each read.
   * @param tls the results of a TLS handshake, and `carrier` the socket below TLS
   */
  constructor(
    socket: Socket,
    deadlines: Deadlines,
    handler: ConnectionHandler,
    readBuffer: Buffer | null = null,
    tls: TlsFacts | null = null,
    carrier: Socket = socket,
  ) {
    this.readBuffer = readBuffer;
    this.tls = tls;
    this.socket = socket;
    this.carrier = carrier;
    this.deadlines = deadlines;
    this.handler = handler;
    this.deadline = deadlines.create(() => this.guard(() => this.handler.onDeadline()));
    listenTo(socket, this);
  }

  /**
   * Gives the socket to another owner: TLS or an HTTP/2 session. The connection gets no more events of the socket, not
   * even its close, and counts as closed for its handler. All listeners of this class are removed.
   * @param unread bytes that were already read and that the next owner reads first; null for none
   */
  release(unread: Buffer | null): Socket {
    const { socket } = this;
    this.closed = true;
    this.deadlines.remove(this.deadline);
    this.stalls?.close();
    leave(socket);
    socket.pause();
    if (unread !== null && unread.length > 0) socket.unshift(unread);
    return socket;
  }

  /** Sets the address of the peer that a trusted proxy has reported (PROXY protocol). */
  assumePeer(address: string, port: number): void {
    this.address = unmapped(address);
    this.port = port;
  }

  /** Sets the address to which the peer has connected, as with `assumePeer`. */
  assumeLocal(address: string, port: number): void {
    this.assumedLocal = { address: unmapped(address), port };
  }

  /** Copies the addresses of the connection from which this one was made: the same peer, now through TLS. */
  succeed(plain: Connection): void {
    this.address = plain.remoteAddress;
    this.port = plain.remotePort;
    this.assumedLocal = plain.assumedLocal;
  }

  /** IP address of the peer (an IPv4-mapped address as IPv4), or `unix`. */
  get remoteAddress(): string {
    return (this.address ??= addressOf(this.socket));
  }

  /** Port of the peer, 0 for a unix socket. */
  get remotePort(): number {
    return this.port ?? this.socket.remotePort ?? 0;
  }

  /** IP address to which the peer has connected, or `unix`. */
  get localAddress(): string {
    const address = this.assumedLocal?.address ?? this.socket.localAddress;
    return address === undefined ? 'unix' : unmapped(address);
  }

  /** Port to which the peer has connected, 0 for a unix socket. */
  get localPort(): number {
    return this.assumedLocal?.port ?? this.socket.localPort ?? 0;
  }

  /** The buffer for the next read of a dialed socket: the last one, unless its bytes are still in use. */
  nextReadBuffer(size: number): Buffer {
    this.readBuffer ??= Buffer.allocUnsafeSlow(size);
    return this.readBuffer;
  }

  /** The bytes of the current `onData` are still needed after it returns, so the next read uses another buffer. */
  keepReadBuffer(): void {
    this.readBuffer = null;
  }

  /** Called for every read. Dialed sockets read into a buffer of prox and call this method themselves. */
  socketOnData(buffer: Buffer, length: number): void {
    this.bytesRead += length;
    try {
      this.handler.onData(buffer, 0, length);
    } catch (error) {
      this.broken(error);
    }
  }

  /** Stops reading. Bytes that the socket has already read may still arrive in one call. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (!this.closed) this.socket.resume();
  }

  /** Collects text, one character per byte. */
  text(text: string): void {
    this.gathering.text(text);
  }

  /**
   * Collects bytes. They must not change until `flush` returns `taken`; after any other result they must never change.
   */
  bytes(buffer: Buffer, start: number, end: number): void {
    if (end - start <= COPIED_BYTES || (end - start <= JOINED_BYTES && this.joins)) {
      this.gathering.bytes(buffer, start, end);
      return;
    }
    if (this.closed) return;
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
    }
    this.writeGathered();
    this.bytesWritten += end - start;
    this.lent = true;
    this.socket.write(buffer.subarray(start, end));
  }

  /** Whether bytes can be copied next to the text of their head: only the first ones, if they are sent at once. */
  private get joins(): boolean {
    return this.leavesAtOnce && !this.gathering.hasBytes;
  }

  /**
   * TLS never sends bytes at once, nor are bytes sent at once behind waiting bytes. Each of these writes would keep a
   * buffer of its own.
   */
  private get leavesAtOnce(): boolean {
    return this.tls === null && !this.corked && this.socket.writableLength === 0;
  }

  /** Sends the collected data. */
  flush(): WriteState {
    if (this.closed) {
      this.gathering.clear();
      return WriteState.taken;
    }
    this.writeGathered();
    if (this.corked) {
      this.corked = false;
      this.socket.uncork();
    }
    if (this.socket.writableLength === 0) {
      this.lent = false;
      return WriteState.taken;
    }
    if (this.socket.writableNeedDrain) return WriteState.full;
    return this.lent ? WriteState.pending : WriteState.taken;
  }

  /** True while flushed bytes wait for the kernel. */
  get hasPending(): boolean {
    return this.socket.writableLength > 0;
  }

  /** Whether the socket has failed; `onClose` follows. */
  get failed(): boolean {
    return this.error !== null;
  }

  /** Flushes, and ends this side. The peer may continue to send. */
  end(): void {
    if (this.closed) return;
    this.flush();
    this.socket.end();
  }

  /** Flushes, and closes when everything has been sent. */
  endAndClose(): void {
    if (this.closed) return;
    this.flush();
    // If the kernel has all bytes, closing sends the same as a shutdown, so there is no need to wait for one. TLS ends
    // with a record of its own.
    if (this.tls === null && this.socket.writableLength === 0) this.destroy();
    else this.socket.destroySoon();
  }

  /** Closes at once; waiting bytes are lost. `onClose` follows. */
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.destroy();
  }

  /**
   * Closes at once with a TCP reset, so that the peer cannot mistake what it has received for a complete message.
   * `onClose` follows.
   */
  reset(): void {
    if (this.closed) return;
    this.closed = true;
    const { carrier, socket } = this;
    // Only TCP has resets, and unix sockets have no address. A reset is not possible either after a shutdown that the
    // kernel has just been asked for; everything has been sent then, and is complete.
    const shuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    // Resetting the socket below TLS also closes the TLS socket.
    if (carrier.remoteAddress !== undefined && !shuttingDown) carrier.resetAndDestroy();
    else socket.destroy();
  }

  /**
   * Closes at once, with a reset if a close would make an incomplete message look complete (RFC 9112 §8).
   * @param incomplete whether the message has more bytes than were given to this connection; bytes that were given but
   * not sent are counted here
   */
  cut(incomplete: boolean): void {
    if (incomplete || this.hasPending) this.reset();
    else this.destroy();
  }

  /** Sets the deadline to `milliseconds` from now; `onDeadline` is called when it passes. 0 means no deadline. */
  expect(milliseconds: number): void {
    this.deadlines.set(this.deadline, milliseconds);
  }

  /**
   * Watches the pending bytes: `onStalled` is called if none of them was sent for `milliseconds`, whatever the peer has
   * sent in the meantime. 0 means no limit.
   */
  expectDrain(milliseconds: number): void {
    if (milliseconds <= 0) return this.stalls?.stop();
    if (this.closed) return;
    this.stalls ??= new StallWatch(
      this.socket,
      this.carrier,
      this.deadlines,
      () => this.bytesWritten,
      () => this.stalled(),
    );
    this.stalls.start(milliseconds);
  }

  /**
   * Runs code that concerns this connection and is called from elsewhere, such as a timer. An exception in it ends only
   * this connection. Events of the socket are already guarded.
   */
  guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.broken(error);
    }
  }

  private broken(error: unknown): void {
    try {
      this.handler.onBroken(error);
    } finally {
      this.destroy();
    }
  }

  private writeGathered(): void {
    const { gathering, socket } = this;
    const { length } = gathering;
    if (length === 0) return;
    this.bytesWritten += length;
    const bytes = this.leavesAtOnce ? gathering.takeBytes() : null;
    if (bytes === null) {
      socket.write(gathering.takeText(), 'latin1');
      return;
    }
    socket.write(bytes);
    if (socket.writableLength > 0) giveRoomAway();
  }

  /**
   * When a reset arrives together with the last bytes, libuv reports an end, and a response that ends with its
   * connection would look complete. A TCP socket without a peer address was reset, or has ended on both sides.
   * @internal
   */
  socketOnEnd(): void {
    const { socket } = this;
    // If this side ended before, there is no peer address either: both sides have ended in order.
    const peerless = socket.localAddress !== undefined && socket.remoteAddress === undefined;
    if (peerless && !socket.writableEnded) {
      socket.destroy(new Error('the connection was reset'));
    } else {
      this.guard(() => this.handler.onEnd());
    }
  }

  /** @internal */
  socketOnDrain(): void {
    this.stalls?.stop();
    this.guard(() => this.handler.onDrain());
  }

  private stalled(): void {
    this.guard(() => (this.handler.onStalled === undefined ? this.handler.onDeadline() : this.handler.onStalled()));
  }

  /**
   * After a fatal alert, sent or received, Node 20 leaves a TLS socket open, although RFC 8446 §6.2 requires closing
   * it. Any alert that is due has been sent by then. After all other errors, a socket closes by itself.
   * @internal
   */
  socketOnError(error: Error): void {
    this.error = error;
    this.socket.destroy();
  }

  /** @internal */
  socketOnClose(): void {
    this.closed = true;
    this.stalls?.close();
    this.deadlines.remove(this.deadline);
    this.guard(() => this.handler.onClose(this.error));
  }
}

/** Up to this many bytes are always copied, because a vector of small pieces is more expensive than one text. */
const COPIED_BYTES = 4096;

/** Up to this many bytes are copied next to the text before them, because a vector of the two is more expensive. */
const JOINED_BYTES = 16_384;

function addressOf(socket: Socket): string {
  const address = socket.remoteAddress;
  return address === undefined ? 'unix' : unmapped(address);
}

/** Converts an IPv4-mapped address (RFC 4291 §2.5.5.2) to IPv4. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
