import { CR, LF } from '../message/index.ts';
import { badProxyHeader, type ProxyHeader } from './proxy-header.ts';
import { MAX_LINE_BYTES, readLine } from './version-1.ts';
import {
  checkCommand,
  checkFamily,
  checkLength,
  COMMAND_AT,
  FAMILY_AT,
  FIXED_BYTES,
  LENGTH_AT,
  readBinary,
  SIGNATURE,
} from './version-2.ts';

/** Return value of `feed` while the header is not complete. */
export const MORE = -1;

/**
 * The longest header, in bytes. A header of version 2 may announce 64 KiB of TLVs, but senders put only a few names and
 * the subject of a certificate there, some hundred bytes.
 */
export const MAX_PROXY_HEADER_BYTES = 4096;

const LINE_PREFIX = Buffer.from('PROXY ', 'latin1');

/**
 * Reads the PROXY header of version 1 or 2 at the beginning of a connection, however it is divided
 * (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt):
 *
 *     'P' ── "PROXY " ── up to CRLF, at most 107 bytes ──────────────────────> readLine
 *     CR ─── signature ─ command ─ family ─ length, at most 4096 in all ─────> readBinary
 *     else: an error. A receiver must not guess whether a header is there (§2).
 *
 * The reader never reads a byte after the header, and finds each fault at the same byte however the header is divided.
 */
export class ProxyHeaderReader {
  private complete: ProxyHeader | null = null;
  private seen: Buffer = Buffer.allocUnsafeSlow(128);
  private seenBytes = 0;
  /** Length of a header of version 2, in bytes; -1 until it is known. */
  private length = -1;

  /** The content of the header, after `feed` has returned a position. */
  get header(): ProxyHeader {
    if (this.complete === null) throw new Error('the PROXY header is not complete');
    return this.complete;
  }

  /**
   * Reads bytes from `start` to `end`. They are borrowed: the reader neither keeps nor reads them after the call.
   *
   * @returns the position after the header, or MORE if all bytes were read and it is not complete.
   * @throws ProxyError bad_proxy_header. The reader must not be used afterwards.
   */
  feed(buffer: Buffer, start: number, end: number): number {
    if (this.complete !== null) throw new Error('the PROXY header has been read');
    let at = start;
    while (at < end) {
      if (this.length < 0) this.takeByte(buffer[at++]);
      else at = this.takeRest(buffer, at, end);
      if (this.complete !== null) return at;
    }
    return MORE;
  }

  private takeByte(byte: number): void {
    const at = this.seenBytes++;
    this.seen[at] = byte;
    if (this.seen[0] === CR) this.checkBinary(at);
    else this.checkLine(at);
  }

  private checkLine(at: number): void {
    const { seen } = this;
    if (at < LINE_PREFIX.length) {
      if (seen[at] !== LINE_PREFIX[at]) throw badProxyHeader('the connection does not begin with a PROXY header');
    } else if (seen[at - 1] === CR) {
      if (seen[at] !== LF) throw badProxyHeader('a CR without its LF');
      this.complete = readLine(seen.toString('latin1', 0, at - 1));
    } else if (seen[at] === LF) {
      throw badProxyHeader('an LF without its CR');
    } else if (at === MAX_LINE_BYTES - 1) {
      throw badProxyHeader(`a line of more than ${MAX_LINE_BYTES} bytes`);
    }
  }

  private checkBinary(at: number): void {
    const { seen } = this;
    if (at < SIGNATURE.length) {
      if (seen[at] !== SIGNATURE[at]) throw badProxyHeader('the connection does not begin with a PROXY header');
    } else if (at === COMMAND_AT) {
      checkCommand(seen[at]);
    } else if (at === FAMILY_AT) {
      checkFamily(seen);
    } else if (at === FIXED_BYTES - 1) {
      checkLength(seen);
      const length = FIXED_BYTES + seen.readUInt16BE(LENGTH_AT);
      if (length > MAX_PROXY_HEADER_BYTES) throw badProxyHeader(`more than ${MAX_PROXY_HEADER_BYTES} bytes`);
      this.length = length;
      this.checkComplete();
    }
  }

  private takeRest(buffer: Buffer, start: number, end: number): number {
    const stop = start + Math.min(end - start, this.length - this.seenBytes);
    const bytes = this.seenBytes + stop - start;
    if (bytes > this.seen.length) {
      const larger = Buffer.allocUnsafeSlow(bytes * 2);
      this.seen.copy(larger, 0, 0, this.seenBytes);
      this.seen = larger;
    }
    buffer.copy(this.seen, this.seenBytes, start, stop);
    this.seenBytes = bytes;
    this.checkComplete();
    return stop;
  }

  private checkComplete(): void {
    if (this.seenBytes === this.length) this.complete = readBinary(this.seen.subarray(0, this.length));
  }
}
