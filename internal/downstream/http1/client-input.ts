import type { Connection } from '../../transport/index.ts';

/** Takes the bytes of a client. */
export interface InputReader {
  /** @internal Takes some bytes and returns the position behind them. May throw: then what is left is lost. */
  takeInput(buffer: Buffer, at: number, end: number): number;
  /** @internal Whether bytes that come now have to be kept for later. */
  readonly mustWait: boolean;
  /** @internal `takeInput` has thrown: nothing that comes is understood any more. */
  refuse(thrown: unknown, inOrder: false): void;
  /** @internal Bytes were kept: until they are taken, nothing that the client does behind them is seen. */
  inputKept(): void;
  /** @internal The bytes of one read were taken, as far as possible. */
  inputTaken(): void;
  /** @internal The client sends no more, and everything that it has sent was taken. */
  inputOver(): void;
}

/**
 * The bytes of a client on their way into its session. What nobody can take yet, pipelined requests or a body that is
 * not wanted yet, is kept, and the connection paused: that is one read, and what was under way when the pause came.
 */
export class ClientInput {
  /** The client has ended its side; what it sent before may still be here. */
  ended = false;
  private readonly connection: Connection;
  private readonly reader: InputReader;
  private kept: Buffer | null = null;
  private consuming = false;
  /** While bytes are consumed: where they end. */
  private consumeEnd = 0;
  /** While bytes are consumed: how many are behind the message that is under way. */
  private rest = 0;

  constructor(connection: Connection, reader: InputReader) {
    this.connection = connection;
    this.reader = reader;
  }

  /** Whether nothing is here behind the message that is under way. */
  get empty(): boolean {
    return this.kept === null && this.rest === 0;
  }

  /** Whether the message that is under way is the last that the client has sent. */
  get nothingBehind(): boolean {
    return this.ended && this.empty;
  }

  /** Bytes came. */
  take(buffer: Buffer, start: number, end: number): void {
    if (this.kept !== null) this.keep(buffer, start, end);
    else this.consume(buffer, start, end);
  }

  /** The client has ended its side. */
  end(): void {
    this.ended = true;
    // What came before the end is taken first.
    if (this.kept === null) this.reader.inputOver();
  }

  /** The message that is under way ends at this position of the bytes that are consumed. */
  messageEndsAt(position: number): void {
    this.rest = this.consumeEnd - position;
  }

  /** Goes on with what was kept. Inside of `consume` nothing is to be done: its loop goes on by itself. */
  goOn(): void {
    if (this.consuming) return;
    const { kept } = this;
    if (kept !== null) {
      this.kept = null;
      this.consume(kept, 0, kept.length);
    }
    if (this.kept !== null || this.reader.mustWait) return;
    if (this.ended) this.reader.inputOver();
    else this.connection.resume();
  }

  /** Forgets what was kept. */
  drop(): void {
    this.kept = null;
  }

  private consume(buffer: Buffer, start: number, end: number): void {
    const { reader } = this;
    let at = start;
    this.consuming = true;
    this.consumeEnd = end;
    try {
      while (at < end) {
        const next = reader.takeInput(buffer, at, end);
        if (next === at && reader.mustWait) break;
        at = next;
      }
    } catch (error) {
      at = end;
      reader.refuse(error, false);
    }
    this.consuming = false;
    this.rest = 0;
    if (at < end) this.keep(buffer, at, end);
    reader.inputTaken();
  }

  private keep(buffer: Buffer, start: number, end: number): void {
    const rest = buffer.subarray(start, end);
    this.kept = this.kept === null ? rest : Buffer.concat([this.kept, rest]);
    this.connection.pause();
    this.reader.inputKept();
  }
}
