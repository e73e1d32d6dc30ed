/**
 * Below this number of bytes, text is cheaper: a string of a head and a short body is written as fast as a buffer, and
 * is made faster.
 */
const WORTH_ROOM_BYTES = 512;

/**
 * Size of the buffer: enough for a head of usual size and the largest bytes that are collected. Longer data is joined
 * as text.
 */
const ROOM_BYTES = 24_576;

/**
 * The buffer in which a head and a small body are put together, for one write without converting the body to a string.
 * All connections share it, because a write that the kernel accepts at once is over when it returns. If the kernel does
 * not, the buffer is given away and replaced.
 */
let room: Buffer | null = null;

/** Text and small bytes that are sent in one write: text, bytes, text, for example a head and a body, or a chunk. */
export class Gathering {
  /** The text before the bytes; all text if there are no bytes. */
  private front = '';
  private behind = '';
  private buffer: Buffer | null = null;
  private start = 0;
  private end = 0;

  /** Characters and bytes so far. */
  get length(): number {
    return this.front.length + (this.end - this.start) + this.behind.length;
  }

  get hasBytes(): boolean {
    return this.buffer !== null;
  }

  /** Adds text, one character per byte. */
  text(text: string): void {
    if (this.buffer === null) this.front += text;
    else this.behind += text;
  }

  /** Adds bytes. They must not change until they are taken. */
  bytes(buffer: Buffer, start: number, end: number): void {
    if (this.buffer !== null || end - start < WORTH_ROOM_BYTES) {
      this.fold();
      this.front += buffer.toString('latin1', start, end);
      return;
    }
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }

  /** Takes everything as text. */
  takeText(): string {
    this.fold();
    const text = this.front;
    this.front = '';
    return text;
  }

  /**
   * Takes everything as bytes in the shared buffer. Returns null if there are no bytes or not enough room; everything
   * is text then. A caller that cannot send the bytes at once must call `giveRoomAway`.
   */
  takeBytes(): Buffer | null {
    const { buffer, front, behind, length } = this;
    if (buffer === null || length > ROOM_BYTES) return null;
    room ??= Buffer.allocUnsafeSlow(ROOM_BYTES);
    let at = room.write(front, 0, 'latin1');
    at += buffer.copy(room, at, this.start, this.end);
    if (behind !== '') at += room.write(behind, at, 'latin1');
    this.clear();
    return room.subarray(0, at);
  }

  clear(): void {
    this.front = this.behind = '';
    this.buffer = null;
    this.start = this.end = 0;
  }

  /** Converts everything to one text. */
  private fold(): void {
    if (this.buffer === null) return;
    this.front += this.buffer.toString('latin1', this.start, this.end) + this.behind;
    this.behind = '';
    this.buffer = null;
    this.start = this.end = 0;
  }
}

/** The bytes taken last are still being written, so the next ones need another buffer. */
export function giveRoomAway(): void {
  room = null;
}
