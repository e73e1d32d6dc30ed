import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { Gathering, giveRoomAway } from './gathering.ts';
import { leave, listenTo, type SocketOwner } from './socket-listeners.ts';
import { StallWatch } from './stall-watch.ts';
import type { TlsFacts } from './tls-facts.ts';

/** What became of written bytes. */
export const WriteState = {
  /** All have left for the kernel, or wait as copies: their memory is free. */
  taken: 0,
  /** Some wait; their memory stays in use. More may be written. */
  pending: 1,
  /** Some wait, and as many as are allowed to: nothing more should be written until `onDrain`. */
  full: 2,
} as const;
export type WriteState = (typeof WriteState)[keyof typeof WriteState];

/**
 * One socket: reading with pause and resume, gathered writing, one deadline.
 *
 * Writing: `text` and `bytes` gather, `flush` sends. Everything that is given between two flushes leaves in one
 * system call where the kernel takes it.
 */
export class Connection implements SocketOwner {
  handler: ConnectionHandler;
  readonly deadline: Deadline;
  /** Set by `destroy` and when the socket has closed: writing does nothing any more. */
  closed = false;
  /** Bytes received so far. */
  bytesRead = 0;
  /** Bytes given to `flush` so far. */
  bytesWritten = 0;
  /** The address that the host name of the upstream led to; empty where it had none. */
  dialed = '';
  private readonly socket: Socket;
  /** What TLS runs on; the socket itself without TLS. */
  private readonly carrier: Socket;
  private readonly deadlines: Deadlines;
  private readonly gathering = new Gathering();
  private corked = false;
  /** Memory of others may be among what waits. TLS never takes bytes at once, but small ones are copies. */
  private lent = false;
  private error: Error | null = null;
  /** Null until something has to be waited for. */
  private stalls: StallWatch | null = null;
  private readBuffer: Buffer | null;
  private address: string | null = null;
  private port: number | null = null;
  /** What a trusted proxy has told of the address that the client connected to; null without one. */
  private assumedLocal: { readonly address: string; readonly port: number } | null = null;
  /** What the TLS handshake has found out; null on a connection without TLS. */
  readonly tls: TlsFacts | null;

  /**
   * @param socket open, with half-open allowed; the connection attaches all its listeners.
   * @param readBuffer what the socket reads into, if it does not allocate for each read.
   * @param tls what a TLS handshake has found out, and `carrier` the socket that it was made on
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
   * Gives the socket away, to TLS or to an HTTP/2 session. The connection hears nothing of it any more, not even its
   * close, and is closed for its handler. Every listener that this class has attached is gone.
   * @param unread bytes that were read already and belong to the next owner, who reads them first; null for none
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

  /** Takes another address for that of the peer: a trusted proxy has told it (PROXY protocol). */
  assumePeer(address: string, port: number): void {
    this.address = unmapped(address);
    this.port = port;
  }

  /** Takes another address for the one that the peer has connected to, as with `assumePeer`. */
  assumeLocal(address: string, port: number): void {
    this.assumedLocal = { address: unmapped(address), port };
  }

  /** Takes the addresses of a connection that has become this one: the same peer, now behind TLS. */
  succeed(plain: Connection): void {
    this.address = plain.remoteAddress;
    this.port = plain.remotePort;
    this.assumedLocal = plain.assumedLocal;
  }

  /** IP address of the peer (IPv4 where it is an IPv4-mapped one), or `unix`. */
  get remoteAddress(): string {
    return (this.address ??= addressOf(this.socket));
  }

  /** Port of the peer, 0 on a unix socket. */
  get remotePort(): number {
    return this.port ?? this.socket.remotePort ?? 0;
  }

  /** IP address that the peer has connected to, or `unix`. */
  get localAddress(): string {
    const address = this.assumedLocal?.address ?? this.socket.localAddress;
    return address === undefined ? 'unix' : unmapped(address);
  }

  /** Port that the peer has connected to, 0 on a unix socket. */
  get localPort(): number {
    return this.assumedLocal?.port ?? this.socket.localPort ?? 0;
  }

  /** The buffer that a dialed socket reads into next: the last one, unless its bytes are still in use. */
  nextReadBuffer(size: number): Buffer {
    this.readBuffer ??= Buffer.allocUnsafeSlow(size);
    return this.readBuffer;
  }

  /** The bytes of the current `onData` are still in use when it returns: the next read goes to another buffer. */
  keepReadBuffer(): void {
    this.readBuffer = null;
  }

  /** Called for every read; dialed sockets read into a buffer of ours and call it themselves. */
  socketOnData(buffer: Buffer, length: number): void {
    this.bytesRead += length;
    try {
      this.handler.onData(buffer, 0, length);
    } catch (error) {
      this.broken(error);
    }
  }

  /** Stops reading. What the socket has read already may still come once. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (!this.closed) this.socket.resume();
  }

  /** Gathers text, a character for each byte. */
  text(text: string): void {
    this.gathering.text(text);
  }

  /** Gathers bytes. They must not change until `flush` returns `taken`; after another answer, never. */
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

  /** Whether bytes can be laid beside the text of their head: only the first ones, and where they leave at once. */
  private get joins(): boolean {
    return this.leavesAtOnce && !this.gathering.hasBytes;
  }

  /** What TLS is given never leaves at once, nor what comes behind bytes that wait: each would keep a room of its own. */
  private get leavesAtOnce(): boolean {
    return this.tls === null && !this.corked && this.socket.writableLength === 0;
  }

  /** Sends what was gathered. */
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

  /** Whether the socket has failed: `onClose` follows. */
  get failed(): boolean {
    return this.error !== null;
  }

  /** Flushes, and sends no more after it. The peer may go on sending. */
  end(): void {
    if (this.closed) return;
    this.flush();
    this.socket.end();
  }

  /** Flushes, and closes as soon as everything has left. */
  endAndClose(): void {
    if (this.closed) return;
    this.flush();
    // With all bytes in the hands of the kernel, its close sends what a shutdown would: no need to wait for one.
    // TLS says goodbye in a record of its own.
    if (this.tls === null && this.socket.writableLength === 0) this.destroy();
    else this.socket.destroySoon();
  }

  /** Closes at once; what waits is lost. `onClose` follows. */
  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.destroy();
  }

  /** Closes at once with a TCP reset, so that the peer cannot take what it got for complete. `onClose` follows. */
  reset(): void {
    if (this.closed) return;
    this.closed = true;
    const { carrier, socket } = this;
    // Only TCP knows a reset: unix sockets have no address. Nor can one follow a shutdown that the kernel was just asked
    // for: everything has left by then, and is complete.
    const shuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    // The reset of what TLS runs on closes the TLS socket, too.
    if (carrier.remoteAddress !== undefined && !shuttingDown) carrier.resetAndDestroy();
    else socket.destroy();
  }

  /**
   * Closes at once. Where a close would be the end of a message that is not complete, a reset is not (RFC 9112 §8).
   * @param incomplete more was to be sent than was given; what was given and has not left is seen here
   */
  cut(incomplete: boolean): void {
    if (incomplete || this.hasPending) this.reset();
    else this.destroy();
  }

  /** Waits `milliseconds` from now for something; `onDeadline` says that it did not come. 0 waits forever. */
  expect(milliseconds: number): void {
    this.deadlines.set(this.deadline, milliseconds);
  }

  /**
   * Waits until what is pending has left; `onStalled` says that not one byte of it did for `milliseconds`, whatever the
   * peer has sent meanwhile. 0 waits forever.
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
   * Runs what happens on this connection from elsewhere, such as a timer: whatever it throws costs this connection
   * alone. Events of the socket are guarded already.
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
   * libuv tells of a reset that comes together with the last bytes as if it were an end, and a response that ends with
   * its connection would look complete. A TCP socket that has no peer any more was reset, or has ended on both sides.
   * @internal
   */
  socketOnEnd(): void {
    const { socket } = this;
    // One that has ended its own side before has none either: both ends have met.
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
   * After a fatal alert, sent or received, Node 20 leaves a TLS socket open (RFC 8446 §6.2 wants it closed); an alert that
   * is due has been sent by then. All other errors close a socket by themselves.
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

/** Up to this many bytes are copied, always: a vector of small pieces is dearer than one of text. */
const COPIED_BYTES = 4096;

/** Up to this many are copied beside the text in front of them: a vector of the two is dearer. */
const JOINED_BYTES = 16_384;

function addressOf(socket: Socket): string {
  const address = socket.remoteAddress;
  return address === undefined ? 'unix' : unmapped(address);
}

/** IPv4 where it is an IPv4-mapped address (RFC 4291 §2.5.5.2). */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
