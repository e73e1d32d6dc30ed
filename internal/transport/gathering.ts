/** Fewer bytes are cheaper as text: one string of a head and a word is written as fast as a buffer, and made faster. */
const WORTH_ROOM_BYTES = 512;

/** Room for a head of usual size and the largest bytes that are gathered; what is longer is joined as text. */
const ROOM_BYTES = 24_576;

/**
 * Where a head and a small body are laid side by side, for one write without a string made of the body. All connections
 * share it, as a write that the kernel takes at once is over when it returns; otherwise it is given away.
 */
let room: Buffer | null = null;

/** Text and small bytes that leave in one write: text, bytes, text, as a head and a body, or a chunk. */
export class Gathering {
  /** In front of the bytes; all there is without any. */
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

  /** Adds text, a character for each byte. */
  text(text: string): void {
    if (this.buffer === null) this.front += text;
    else this.behind += text;
  }

  /** Adds bytes, which must not change before they are taken. */
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

  /** Everything as text; nothing is left. */
  takeText(): string {
    this.fold();
    const text = this.front;
    this.front = '';
    return text;
  }

  /**
   * Everything as bytes in the shared room; nothing is left. Null when there are no bytes, or not enough room: it is
   * text then. Whoever cannot write it at once has to call `giveRoomAway`.
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

  /** Makes one text of all there is. */
  private fold(): void {
    if (this.buffer === null) return;
    this.front += this.buffer.toString('latin1', this.start, this.end) + this.behind;
    this.behind = '';
    this.buffer = null;
    this.start = this.end = 0;
  }
}

/** What was taken last is still being written: the next bytes go elsewhere. */
export function giveRoomAway(): void {
  room = null;
}
