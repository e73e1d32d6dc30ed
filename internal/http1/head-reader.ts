import { type ErrorCode, ProxyError } from '../base/index.ts';
import {
  COLON,
  CR,
  FIELD_VALUE,
  FieldId,
  fieldIdAt,
  Fields,
  HTAB,
  LF,
  MAX_LENGTH_DIGITS,
  skipFieldValue,
  SP,
  TOKEN_LOWER,
  wordsOf,
  ZERO,
} from '../message/index.ts';
import { type HeadLimits } from './limits.ts';

/** Error codes for a kind of head: the client causes the faults of a request, the upstream those of a response. */
export interface HeadErrorCodes {
  readonly startLine: ErrorCode;
  readonly fieldLine: ErrorCode;
  readonly tooLarge: ErrorCode;
}

const NINE = 0x39;

/** What `parse` returns while the head is not complete. */
export const MORE = -1;

/**
 * Reads a head (or a trailer section) from slices that may be cut at any byte.
 *
 * A head that arrives whole is parsed in place. Otherwise the reader gathers the bytes in a buffer of its own and continues
 * to scan where it stopped, within a line if necessary. It scans every byte once, so that a client that sends single bytes
 * costs little more than others. The error of a head, and the byte at which it is found, do not depend on the cuts.
 */
export abstract class HeadReader {
  /** The fields of the head, valid once `feed` has returned a position and until `reset`. */
  readonly fields = new Fields();
  /** True from the first byte of a head to its end. */
  started = false;
  protected readonly limits: HeadLimits;
  /** Where the scan continues. This and the other offsets are relative to the first byte of the head. */
  protected scanAt = 0;
  private readonly codes: HeadErrorCodes;
  private readonly hasStartLine: boolean;
  private startLineDone = false;
  /** The field line that is not complete yet: where it starts, and where its name ends (-1: not seen). */
  private lineAt = 0;
  private nameEnd = -1;
  private gathered: Buffer | null = null;
  private gatheredLength = 0;

  constructor(limits: HeadLimits, codes: HeadErrorCodes, hasStartLine: boolean) {
    this.limits = limits;
    this.codes = codes;
    this.hasStartLine = hasStartLine;
    this.startLineDone = !hasStartLine;
  }

  /** Makes the reader ready for the next head and empties `fields`. */
  reset(): void {
    this.started = false;
    this.scanAt = 0;
    this.startLineDone = !this.hasStartLine;
    this.lineAt = 0;
    this.nameEnd = -1;
    this.gathered = null;
    this.gatheredLength = 0;
    this.fields.reset();
  }

  /**
   * Takes bytes from `start` to `end`.
   * @returns the position behind the head, or MORE when all bytes were taken and the head is not complete.
   * @throws ProxyError when the bytes cannot be the head of a message, or are over a limit.
   */
  feed(buffer: Buffer, start: number, end: number): number {
    if (start === end) return MORE;
    this.started = true;
    if (this.gathered !== null) return this.feedGathered(this.gathered, buffer, start, end);
    // Bytes beyond the limit are not scanned: a fault there would else be reported before the limit, in large slices only.
    const stop = Math.min(end, start + this.limits.maxHeaderBytes + 1);
    const next = this.parse(buffer, start, stop);
    if (next === MORE) {
      this.checkSize(stop - start);
      this.gather(null, buffer, start, stop);
    }
    return next;
  }

  /**
   * Parses the start line from `scanAt` on. Returns the position behind it, or MORE with `scanAt` set to where the scan
   * continues. `base` is the position of the first byte of the head; offsets are relative to it.
   */
  protected abstract parseStartLine(buffer: Buffer, base: number, end: number): number;

  /** Called once when the head is complete, with its text: start line and field lines. */
  protected abstract complete(text: string): void;

  /** The start line did not end within the limits. */
  protected startLineTooLong(): ProxyError {
    return new ProxyError(this.codes.tooLarge, 'the start line is longer than the limit on heads');
  }

  private feedGathered(gathered: Buffer, buffer: Buffer, start: number, end: number): number {
    const before = this.gatheredLength;
    // The reader never holds more than the limit allows; bytes behind it stay in the slice.
    const take = Math.min(end - start, this.limits.maxHeaderBytes + 1 - before);
    const target = this.gather(gathered, buffer, start, start + take);
    const next = this.parse(target, 0, this.gatheredLength);
    if (next !== MORE) return start + (next - before);
    this.checkSize(this.gatheredLength);
    return MORE;
  }

  private gather(into: Buffer | null, buffer: Buffer, start: number, end: number): Buffer {
    const length = this.gatheredLength + end - start;
    let target = into;
    if (target === null || target.length < length) {
      target = Buffer.allocUnsafeSlow(Math.max(1024, length * 2));
      if (into !== null) into.copy(target, 0, 0, this.gatheredLength);
      this.gathered = target;
    }
    // For a few bytes a loop is faster than a call of `copy`.
    if (end - start > 8) buffer.copy(target, this.gatheredLength, start, end);
    else for (let i = start, to = this.gatheredLength; i < end; i++, to++) target[to] = buffer[i];
    this.gatheredLength = length;
    return target;
  }

  private checkSize(length: number): void {
    if (length <= this.limits.maxHeaderBytes) return;
    if (!this.startLineDone) throw this.startLineTooLong();
    throw this.tooLarge();
  }

  private tooLarge(): ProxyError {
    const { maxHeaderBytes, maxHeaders } = this.limits;
    return new ProxyError(
      this.codes.tooLarge,
      `the head is larger than ${maxHeaderBytes} bytes or has more than ${maxHeaders} fields`,
    );
  }

  private parse(buffer: Buffer, base: number, end: number): number {
    if (!this.startLineDone) {
      const behind = this.parseStartLine(buffer, base, end);
      if (behind === MORE) return MORE;
      this.startLineDone = true;
      this.scanAt = this.lineAt = behind - base;
    }
    const next = this.parseFieldLines(buffer, base, end);
    if (next === MORE) return MORE;
    if (next - base > this.limits.maxHeaderBytes) throw this.tooLarge();
    const text = buffer.toString('latin1', base, next);
    this.fields.text = text;
    this.complete(text);
    return next;
  }

  /**
   * field-line = field-name ":" OWS field-value OWS (RFC 9112 §5), each ended by CRLF, up to the empty line. A line
   * that starts with white space (obs-fold, §5.2) and white space before the colon (§5.1) are refused as bad names.
   */
  private parseFieldLines(buffer: Buffer, base: number, end: number): number {
    let at = base + this.scanAt;
    let nameStart = base + this.lineAt;
    let nameEnd = this.nameEnd < 0 ? -1 : base + this.nameEnd;
    const words = wordsOf(buffer, end - at);
    for (;;) {
      if (nameEnd < 0) {
        while (at < end && TOKEN_LOWER[buffer[at]] !== 0) at++;
        if (at === end) break;
        if (at === nameStart) {
          if (buffer[at] !== CR) throw this.badFieldLine('a name that is no token');
          if (at + 1 === end) break;
          if (buffer[at + 1] !== LF) throw this.badFieldLine('a CR without its LF');
          return at + 2;
        }
        if (buffer[at] !== COLON) throw this.badFieldLine('a name that is no token and a colon');
        nameEnd = at++;
      }
      // White space around the value consists of bytes that may also stand in it, so it is removed once the end is known.
      if (words !== null) at = skipFieldValue(words, at, end);
      while (at < end && FIELD_VALUE[buffer[at]] === 1) at++;
      if (at === end) break;
      if (buffer[at] !== CR) throw this.badFieldLine('a control byte in a value');
      if (at + 1 === end) break;
      if (buffer[at + 1] !== LF) throw this.badFieldLine('a CR without its LF');
      if (this.fields.count === this.limits.maxHeaders) throw this.tooLarge();
      this.noteLine(buffer, base, nameStart, nameEnd, at);
      nameStart = at += 2;
      nameEnd = -1;
    }
    this.scanAt = at - base;
    this.lineAt = nameStart - base;
    this.nameEnd = nameEnd < 0 ? -1 : nameEnd - base;
    return MORE;
  }

  private noteLine(buffer: Buffer, base: number, nameStart: number, nameEnd: number, lineEnd: number): void {
    let valueStart = nameEnd + 1;
    while (valueStart < lineEnd && (buffer[valueStart] === SP || buffer[valueStart] === HTAB)) valueStart++;
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && (buffer[valueEnd - 1] === SP || buffer[valueEnd - 1] === HTAB)) valueEnd--;
    const id = fieldIdAt(buffer, nameStart, nameEnd);
    if (id === FieldId.contentLength) valueStart = skipLeadingZeros(buffer, valueStart, valueEnd);
    const canonical = valueStart === nameEnd + 2 && buffer[nameEnd + 1] === SP && valueEnd === lineEnd;
    this.fields.note(id, canonical, nameStart - base, nameEnd - base, valueStart - base, valueEnd - base);
    this.fields.linesEnd = lineEnd + 2 - base;
  }

  private badFieldLine(what: string): ProxyError {
    return new ProxyError(this.codes.fieldLine, `malformed field line: ${what}`);
  }
}

/**
 * The start of a Content-Length without leading zeros. They are not forwarded, as some servers read such a number as octal.
 * A value with more digits than any length has stays unchanged, and is refused for its length.
 */
function skipLeadingZeros(buffer: Buffer, start: number, end: number): number {
  if (end - start > MAX_LENGTH_DIGITS) return start;
  let at = start;
  while (at + 1 < end && buffer[at] === ZERO && buffer[at + 1] >= ZERO && buffer[at + 1] <= NINE) at++;
  return at;
}
