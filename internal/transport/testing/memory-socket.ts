import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Bytes that one end may have sent and the other not read: what the kernel holds in the buffers of both. */
const WIRE_BYTES = 65_536;

/** The most that one read brings, as libuv has it. */
const READ_BYTES = 65_536;

/** One end of a connection as its user sees it; null for a unix socket, which has no address. */
export interface MemoryAddress {
  readonly address: string;
  readonly port: number;
}

export interface MemorySocketOptions {
  /** Bytes that wait to be sent before the socket counts as full. */
  readonly highWaterMark?: number | undefined;
  /** Reads into memory of the owner, as `connect` of node:net has it. */
  readonly onread?: OnReadOpts | undefined;
  /** Bytes that this end has room for before its peer has to wait. */
  readonly wireBytes?: number | undefined;
}

/**
 * One end of a TCP connection without a kernel: what `Connection` uses of a net.Socket, over bytes in memory. Two ends
 * make a pair. Nothing moves in the turn in which it was done: bytes, ends and resets come to the other side in a later
 * tick, so that a callback never runs inside of the call that caused it; one `setImmediate` later everything has moved.
 *
 *     write ──> taken, as much as the peer has room for ──> the rest waits for the peer to read
 *     end ──> the peer ends when it has read everything
 *     destroy ──> the same; a reset where bytes of the peer were not read, or when it writes again
 *     resetAndDestroy ──> the peer loses what it has not read, and breaks with ECONNRESET
 */
export class MemorySocket extends Duplex {
  readonly connecting: boolean = false;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #local: MemoryAddress | null;
  readonly #remote: MemoryAddress | null;
  readonly #onread: OnReadOpts | null;
  readonly #room: number;
  #peer: MemorySocket | null = null;
  /** What came and was not read. */
  #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  /** The peer sends no more. */
  #finArrived = false;
  /** The owner takes bytes. */
  #reading = false;
  #deliverySet = false;
  /** What the peer has no room for yet. */
  #unsent: { bytes: Buffer; callback: (error?: Error | null) => void } | null = null;
  /** This end is closed: what comes now is answered with a reset. */
  #closed = false;
  /** A reset has come. It shows when the socket reads or writes, as libuv looks no sooner. */
  #broken = false;

  constructor(local: MemoryAddress | null, remote: MemoryAddress | null, options: MemorySocketOptions = {}) {
    super({ allowHalfOpen: true, writableHighWaterMark: options.highWaterMark ?? 16_384 });
    this.#local = local;
    this.#remote = remote;
    this.#onread = options.onread ?? null;
    this.#room = options.wireBytes ?? WIRE_BYTES;
    // As a net.Socket, it reads ahead of its owner, as much as its buffer takes.
    this.read(0);
  }

  /** Makes the other end of the connection. To be called once. */
  partner(options: MemorySocketOptions = {}): MemorySocket {
    if (this.#peer !== null) throw new Error('the socket has a peer already');
    const peer = new MemorySocket(this.#remote, this.#local, options);
    peer.#peer = this;
    this.#peer = peer;
    // What was done before it was accepted.
    if (this.#closed) peer.finComes();
    this.send(false);
    if (this.writableFinished) peer.finComes();
    return peer;
  }

  // ── what Connection asks of a net.Socket ─────────────────────────────────────────────────────────────────────

  /** Undefined when the socket is closed, as with the kernel. */
  get remoteAddress(): string | undefined {
    return this.destroyed ? undefined : this.#remote?.address;
  }

  get remotePort(): number | undefined {
    return this.destroyed ? undefined : this.#remote?.port;
  }

  get localAddress(): string | undefined {
    return this.destroyed ? undefined : this.#local?.address;
  }

  get localPort(): number | undefined {
    return this.destroyed ? undefined : this.#local?.port;
  }

  /** What the watch for stalls looks at: bytes of the write under way that were not taken. */
  readonly _handle = {
    socket: this as MemorySocket,
    get writeQueueSize(): number {
      return this.socket.#unsent?.bytes.length ?? 0;
    },
  };

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  override pause(): this {
    if (this.#onread !== null) this.#reading = false;
    return super.pause();
  }

  override resume(): this {
    if (this.#onread !== null) {
      this.#reading = true;
      this.#setDelivery();
    }
    return super.resume();
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  resetAndDestroy(): this {
    this.#closed = true;
    const peer = this.#peer;
    process.nextTick(() => peer?.breaks());
    this.destroy();
    return this;
  }

  // ── Duplex ───────────────────────────────────────────────────────────────────────────────────────────────────

  override _read(): void {
    if (this.#broken) return void this.destroy(failure('ECONNRESET', 'read'));
    this.#reading = true;
    this.#setDelivery();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#write(chunk, callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    // One that is alone is not copied: it belongs to its owner until it has left.
    const [first] = chunks;
    const bytes = chunks.length === 1 && first !== undefined ? first.chunk : Buffer.concat(chunks.map((c) => c.chunk));
    this.#write(bytes, callback);
  }

  override _final(callback: () => void): void {
    this.#peer?.finComes();
    process.nextTick(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer;
    if (!this.#closed) {
      this.#closed = true;
      // RFC 9293 §3.10.4: one that closes with bytes unread says that they are lost.
      if (this.#arrivedBytes > 0) process.nextTick(() => peer?.breaks());
      else peer?.finComes();
    }
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#unsent = null;
    peer?.send(false);
    callback(error);
  }

  // ── the wire ─────────────────────────────────────────────────────────────────────────────────────────────────

  #write(bytes: Buffer, callback: (error?: Error | null) => void): void {
    if (this.#broken) return process.nextTick(callback, failure('EPIPE', 'write'));
    this.#unsent = { bytes, callback };
    this.send(true);
  }

  /** Gives the peer what it has room for. @param atOnce inside of `_write`: what is taken whole is over now */
  private send(atOnce: boolean): void {
    const unsent = this.#unsent;
    const peer = this.#peer;
    if (unsent === null || peer === null) return;
    const { bytes, callback } = unsent;
    const taken = peer.#closed ? bytes.length : Math.min(bytes.length, peer.#room - peer.#arrivedBytes);
    if (taken > 0) {
      this.bytesWritten += taken;
      if (peer.#closed) process.nextTick(() => this.breaks());
      else peer.#comes(Buffer.from(bytes.subarray(0, taken)));
    }
    if (taken < bytes.length) {
      unsent.bytes = bytes.subarray(taken);
      return;
    }
    this.#unsent = null;
    if (atOnce) callback();
    else process.nextTick(callback);
  }

  #comes(bytes: Buffer): void {
    this.#arrived.push(bytes);
    this.#arrivedBytes += bytes.length;
    this.#setDelivery();
  }

  private finComes(): void {
    this.#finArrived = true;
    this.#setDelivery();
  }

  private breaks(): void {
    this.#closed = this.#broken = true;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    if (this.#reading || this.#unsent !== null) this.destroy(failure('ECONNRESET', 'read'));
  }

  #setDelivery(): void {
    if (this.#deliverySet || !this.#reading) return;
    this.#deliverySet = true;
    process.nextTick(() => {
      this.#deliverySet = false;
      this.#deliver();
    });
  }

  /** One read of the socket. */
  #deliver(): void {
    if (!this.#reading || this.destroyed) return;
    const first = this.#arrived.shift();
    if (first === undefined) {
      if (!this.#finArrived) return;
      this.#reading = false;
      this.push(null);
      // Where nothing reads the stream itself, its end would never come.
      if (this.#onread !== null) this.read(0);
      return;
    }
    const bytes = first.subarray(0, READ_BYTES);
    const taken = this.#onread === null ? bytes.length : this.#readInto(this.#onread, bytes);
    if (taken < first.length) this.#arrived.unshift(first.subarray(taken));
    this.#arrivedBytes -= taken;
    this.bytesRead += taken;
    if (this.#onread === null && !this.push(bytes)) this.#reading = false;
    this.#peer?.send(false);
    this.#setDelivery();
  }

  /** Copies into the memory of the owner. @returns how much has fitted */
  #readInto(onread: OnReadOpts, bytes: Buffer): number {
    const { buffer } = onread;
    const into = typeof buffer === 'function' ? buffer() : buffer;
    const taken = bytes.copy(into);
    if (!onread.callback(taken, into)) this.#reading = false;
    return taken;
  }
}

/** Of a pair: the end that was accepted, and the one that has connected. */
export interface MemoryPair {
  readonly accepted: MemorySocket;
  readonly connected: MemorySocket;
}

const SERVER: MemoryAddress = { address: '127.0.0.1', port: 8080 };
let nextPort = 50_000;

/** What a test says of the client of a pair. */
export interface MemoryClientOptions {
  /** Bytes that it has room for before the server has to wait. */
  readonly wireBytes?: number | undefined;
  /** A unix socket: neither end has an address. */
  readonly unix?: boolean | undefined;
}

/** Makes both ends of a connection. */
export function memoryPair({ wireBytes, unix = false }: MemoryClientOptions = {}): MemoryPair {
  const from = unix ? null : { address: '127.0.0.1', port: nextPort++ };
  const connected = new MemorySocket(from, unix ? null : SERVER, { wireBytes });
  return { accepted: connected.partner(), connected };
}

/** The type that node:net has for it. */
export function asSocket(socket: MemorySocket): Socket {
  return socket as unknown as Socket;
}

/** An error of the system, as node:net makes it. */
export function failure(code: string, call: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${call} ${code}`);
  error.code = code;
  return error;
}
