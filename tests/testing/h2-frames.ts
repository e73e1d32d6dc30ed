import { connect, type Socket } from 'node:net';

import { Changes } from './wait.ts';

/** Types of frames (RFC 9113 §6). */
export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. */
export const Flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4 } as const;

/** Settings (RFC 9113 §6.5.2). */
export const Setting = { headerTableSize: 1, maxStreams: 3, windowSize: 4 } as const;

const HEAD_BYTES = 9;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** A request without a body. */
export const GET: Pairs = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'frames.test'],
  [':path', '/'],
];

/** A request to another path, or with another method. */
export function request(method: string, path: string, ...more: Pairs): Pairs {
  return [[':method', method], [':scheme', 'http'], [':authority', 'frames.test'], [':path', path], ...more];
}

/** A client that sends frames as they are, for what no HTTP/2 library would send. It acknowledges settings. */
export class FrameClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;
  private rest: Buffer = Buffer.alloc(0);
  private readonly changes = new Changes();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.changes.notify();
    });
  }

  /** Connects and begins with the preface and some settings, by their number. */
  static async connect(port: number, settings: Readonly<Record<number, number>> = {}): Promise<FrameClient> {
    const client = await FrameClient.raw(port, PREFACE);
    const all = { [Setting.headerTableSize]: 0, ...settings };
    const payload = Buffer.alloc(6 * Object.keys(all).length);
    Object.entries(all).forEach(([id, value], i) => {
      payload.writeUInt16BE(Number(id), i * 6);
      payload.writeUInt32BE(value, i * 6 + 2);
    });
    client.send(Type.settings, 0, 0, payload);
    await client.until(() => client.of(Type.settings).length > 0, 'settings');
    return client;
  }

  /** Connects and begins with some text. */
  static async raw(port: number, begin: string): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.write(begin, 'latin1');
    return new FrameClient(socket);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): this {
    this.socket.write(frame(type, flags, stream, payload));
    return this;
  }

  /** Sends a field section in one frame. */
  headers(stream: number, pairs: Pairs, end = true): this {
    return this.send(Type.headers, Flag.endHeaders | (end ? Flag.endStream : 0), stream, encode(pairs));
  }

  data(stream: number, text: string, end = false): this {
    return this.send(Type.data, end ? Flag.endStream : 0, stream, Buffer.from(text, 'latin1'));
  }

  reset(stream: number, code = 8): this {
    return this.send(Type.rstStream, 0, stream, uint32(code));
  }

  /** Lets the server send more. */
  window(stream: number, bytes: number): this {
    return this.send(Type.windowUpdate, 0, stream, uint32(bytes));
  }

  of(type: number, stream?: number): Frame[] {
    return this.frames.filter((one) => one.type === type && (stream === undefined || one.stream === stream));
  }

  /** Whether the server has ended a stream as complete. */
  ended(stream: number): boolean {
    return this.frames.some(
      ({ type, flags, stream: id }) => id === stream && type <= Type.headers && (flags & Flag.endStream) !== 0,
    );
  }

  /** Content received on a stream. */
  body(stream: number): string {
    return Buffer.concat(this.of(Type.data, stream).map(({ payload }) => payload)).toString('latin1');
  }

  /** What became of a stream: the status of a complete response, the code that it was reset with, or `gone`
   * when it went with its connection. */
  async outcome(stream: number): Promise<string> {
    const reset = (): Frame | undefined => this.of(Type.rstStream, stream)[0];
    await this.until(() => this.ended(stream) || reset() !== undefined || this.closed, `the end of ${stream}`);
    if (!this.ended(stream)) return reset() === undefined ? 'gone' : `reset ${reset()?.payload.readUInt32BE(0)}`;
    return `status ${statusOf(this.of(Type.headers, stream)[0].payload)}`;
  }

  /** Waits until the server has closed the connection, and returns the code of its GOAWAY; -1 without one. */
  async goneWith(): Promise<number> {
    await this.until(() => this.closed, 'the connection to close');
    return this.of(Type.goaway).at(-1)?.payload.readUInt32BE(4) ?? -1;
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await this.changes.until(condition, () => {
      const seen = this.frames.slice(-20).map(({ type, flags, stream }) => `${type}/${flags}/${stream}`);
      return `${what}; frames so far: ${seen.join(' ')}`;
    });
  }

  /** Waits until everything sent so far was read: a PING comes back behind it. */
  async settled(): Promise<void> {
    const count = this.of(Type.ping).length;
    this.send(Type.ping, 0, 0, Buffer.alloc(8));
    await this.until(() => this.of(Type.ping).length > count || this.closed, 'a PING');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    let bytes = Buffer.concat([this.rest, chunk]);
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < HEAD_BYTES + length) break;
      const [type, flags, stream] = [bytes[3], bytes[4], bytes.readUInt32BE(5)];
      this.frames.push({ type, flags, stream, payload: bytes.subarray(HEAD_BYTES, HEAD_BYTES + length) });
      if (type === Type.settings && (flags & Flag.ack) === 0) this.send(Type.settings, Flag.ack, 0);
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
    this.rest = bytes;
    this.changes.notify();
  }
}

/** The bytes of a frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field section of literals that are never indexed, without Huffman coding (RFC 7541 §6.2.2). */
export function encode(pairs: Pairs): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left >>= 7) length.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([...length, left]), bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Statuses of the static table of HPACK (RFC 7541 appendix A); 0 for others. */
const STATUSES = [200, 204, 206, 304, 400, 404, 500];

function statusOf(section: Buffer): number {
  // Changes of the table's size come first (§6.3).
  const first = section.find((byte) => byte >> 5 !== 1) ?? 0;
  return STATUSES[first - 0x88] ?? 0;
}
