import { connect, type Socket } from 'node:net';

import {
  data,
  Flag,
  type Frame,
  frame,
  headers,
  number,
  type Pairs,
  ping,
  PREFACE,
  readFrame,
  rstStream,
  Setting,
  settings,
  settingsAck,
  Type,
  windowUpdate,
} from './http2-frames.ts';
import { Changes } from './wait.ts';

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
  private rest = '';
  private readonly changes = new Changes();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.take(chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.changes.notify();
    });
  }

  /** Connects and begins with the preface and some settings, by their number. */
  static async connect(port: number, wanted: Readonly<Record<number, number>> = {}): Promise<FrameClient> {
    const client = await FrameClient.raw(port, PREFACE);
    const all = Object.entries({ [Setting.headerTableSize]: 0, ...wanted });
    client.write(settings(...all.map(([id, value]) => [Number(id), value] as const)));
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

  /** Sends frames. */
  write(bytes: string): this {
    this.socket.write(bytes, 'latin1');
    return this;
  }

  send(type: number, flags: number, stream: number, payload = ''): this {
    return this.write(frame(type, flags, stream, payload));
  }

  /** Sends a field section in one frame. */
  headers(stream: number, pairs: Pairs, end = true): this {
    return this.write(headers(stream, pairs, end));
  }

  data(stream: number, text: string, end = false): this {
    return this.write(data(stream, text, end));
  }

  reset(stream: number, code = 8): this {
    return this.write(rstStream(stream, code));
  }

  /** Lets the server send more. */
  window(stream: number, bytes: number): this {
    return this.write(windowUpdate(stream, bytes));
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
    return this.of(Type.data, stream)
      .map(({ payload }) => payload)
      .join('');
  }

  /** What became of a stream: the status of a complete response, the code that it was reset with, or `gone`
   * when it went with its connection. */
  async outcome(stream: number): Promise<string> {
    const reset = (): Frame | undefined => this.of(Type.rstStream, stream)[0];
    await this.until(() => this.ended(stream) || reset() !== undefined || this.closed, `the end of ${stream}`);
    if (!this.ended(stream)) return reset() === undefined ? 'gone' : `reset ${number(reset()?.payload ?? '', 0, 4)}`;
    return `status ${statusOf(this.of(Type.headers, stream)[0].payload)}`;
  }

  /** Waits until the server has closed the connection, and returns the code of its GOAWAY; -1 without one. */
  async goneWith(): Promise<number> {
    await this.until(() => this.closed, 'the connection to close');
    const last = this.of(Type.goaway).at(-1);
    return last === undefined ? -1 : number(last.payload, 4, 4);
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
    this.write(ping());
    await this.until(() => this.of(Type.ping).length > count || this.closed, 'a PING');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(chunk: string): void {
    const received = this.rest + chunk;
    let at = 0;
    for (let next = readFrame(received, at); next !== null; next = readFrame(received, at)) {
      at = next.end;
      this.frames.push(next.frame);
      const { type, flags } = next.frame;
      if (type === Type.settings && (flags & Flag.ack) === 0) this.write(settingsAck());
    }
    this.rest = received.slice(at);
    this.changes.notify();
  }
}

/** Statuses of the static table of HPACK (RFC 7541 appendix A); 0 for others. */
const STATUSES = [200, 204, 206, 304, 400, 404, 500];

function statusOf(section: string): number {
  // Changes of the table's size come first (§6.3).
  const first = Buffer.from(section, 'latin1').find((byte) => byte >> 5 !== 1) ?? 0;
  return STATUSES[first - 0x88] ?? 0;
}
