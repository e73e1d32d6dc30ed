import { type ErrorCode, ProxyError } from '../base/index.ts';
import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN_LOWER } from './characters.ts';
import { candidateId, candidateName, FieldId } from './field-names.ts';
import { Fields } from './fields.ts';
import type { HeadLimits } from './limits.ts';

/** The codes that a kind of head fails with: a request's faults are the client's, a response's the upstream's. */
export interface HeadErrorCodes {
  readonly startLine: ErrorCode;
  readonly fieldLine: ErrorCode;
  readonly tooLarge: ErrorCode;
}

/** What `parse` returns while the head is not complete. */
export const MORE = -1;

/**
 * Reads a head (or a trailer section) out of slices of bytes, however they are cut.
 *
 * A head that arrives whole is parsed where it lies. Otherwise the bytes are gathered in a buffer of our own and
 * parsing goes on at the first line that was not complete; it is tried again only when an LF has come, so that a
 * client that sends byte by byte costs no more than one that does not.
 */
export abstract class HeadReader {
  /** The fields of the head, valid once `feed` has returned a position and until `reset`. */
  readonly fields = new Fields();
  /** True from the first byte of a head to its end. */
  started = false;
  protected readonly limits: HeadLimits;
  private readonly codes: HeadErrorCodes;
  private readonly hasStartLine: boolean;
  /** Offset from the start of the head to the first line that is not parsed yet. */
  private lineAt = 0;
  private startLineDone = false;
  private gathered: Buffer | null = null;
  private gatheredLength = 0;

  constructor(limits: HeadLimits, codes: HeadErrorCodes, hasStartLine: boolean) {
    this.limits = limits;
    this.codes = codes;
    this.hasStartLine = hasStartLine;
    this.startLineDone = !hasStartLine;
  }

  /** Makes the reader ready for the next head. What `fields` holds is gone then. */
  reset(): void {
    this.started = false;
    this.lineAt = 0;
    this.startLineDone = !this.hasStartLine;
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
    this.started = true;
    if (this.gathered !== null) return this.feedGathered(this.gathered, buffer, start, end);
    const next = this.parse(buffer, start, end);
    if (next === MORE) {
      this.checkSize(end - start);
      this.gather(buffer, start, end);
    }
    return next;
  }

  /** Parses the start line at `at`; returns the position behind it or MORE. Offsets are kept relative to `base`. */
  protected abstract parseStartLine(buffer: Buffer, base: number, at: number, end: number): number;

  /** Called once when the head is complete, with its text: start line and field lines. */
  protected abstract complete(text: string): void;

  /** The start line did not end within the limits. */
  protected startLineTooLong(): ProxyError {
    return new ProxyError(this.codes.tooLarge, 'the start line is longer than the limit on heads');
  }

  private feedGathered(gathered: Buffer, buffer: Buffer, start: number, end: number): number {
    const before = this.gatheredLength;
    // No more than the limit allows is ever held; what lies behind it stays where it came from.
    const take = Math.min(end - start, this.limits.maxHeaderBytes + 1 - before);
    const lineFeed = buffer.indexOf(LF, start);
    const target = this.gather(buffer, start, start + take, gathered);
    if (lineFeed >= 0 && lineFeed < start + take) {
      const next = this.parse(target, 0, this.gatheredLength);
      if (next !== MORE) return start + (next - before);
    }
    this.checkSize(this.gatheredLength);
    return MORE;
  }

  private gather(buffer: Buffer, start: number, end: number, into: Buffer | null = null): Buffer {
    const length = this.gatheredLength + end - start;
    let target = into;
    if (target === null || target.length < length) {
      target = Buffer.allocUnsafeSlow(Math.max(1024, length * 2));
      if (into !== null) into.copy(target, 0, 0, this.gatheredLength);
      this.gathered = target;
    }
    buffer.copy(target, this.gatheredLength, start, end);
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
    let at = base + this.lineAt;
    if (!this.startLineDone) {
      at = this.parseStartLine(buffer, base, at, end);
      if (at === MORE) return MORE;
      this.startLineDone = true;
      this.lineAt = at - base;
    }
    const next = this.parseFieldLines(buffer, base, at, end);
    if (next === MORE) return MORE;
    if (next - base > this.limits.maxHeaderBytes) throw this.tooLarge();
    const text = buffer.toString('latin1', base, next);
    this.fields.text = text;
    this.complete(text);
    return next;
  }

  /**
   * field-line = field-name ":" OWS field-value OWS (RFC 9112 §5), each ended by CRLF, up to the empty line. A line
   * that starts with white space (obs-fold, §5.2) and white space before the colon (§5.1) fall out as bad names.
   */
  private parseFieldLines(buffer: Buffer, base: number, start: number, end: number): number {
    let at = start;
    for (;;) {
      if (at >= end) return MORE;
      if (buffer[at] === CR) {
        if (at + 1 >= end) return MORE;
        if (buffer[at + 1] !== LF) throw this.badFieldLine('a CR without its LF');
        return at + 2;
      }
      const nameStart = at;
      let hash = 0;
      let lower = 0;
      while (at < end && (lower = TOKEN_LOWER[buffer[at] as number] as number) !== 0) {
        hash = (Math.imul(hash, 31) + lower) | 0;
        at++;
      }
      if (at === end) return MORE;
      const nameEnd = at;
      if (buffer[at] !== COLON || nameEnd === nameStart) throw this.badFieldLine('a name that is no token and a colon');
      at++;
      while (at < end && (buffer[at] === SP || buffer[at] === HTAB)) at++;
      const valueStart = at;
      while (at < end && FIELD_VALUE[buffer[at] as number] === 1) at++;
      if (at + 1 >= end) {
        if (at < end && buffer[at] !== CR) throw this.badFieldLine('a control byte in a value');
        return MORE;
      }
      if (buffer[at] !== CR || buffer[at + 1] !== LF) throw this.badFieldLine('a control byte in a value');
      let valueEnd = at;
      while (valueEnd > valueStart && (buffer[valueEnd - 1] === SP || buffer[valueEnd - 1] === HTAB)) valueEnd--;
      at += 2;
      if (this.fields.count === this.limits.maxHeaders) throw this.tooLarge();
      const id = knownId(buffer, nameStart, nameEnd, hash);
      this.fields.note(id, nameStart - base, nameEnd - base, valueStart - base, valueEnd - base, at - base);
      this.lineAt = at - base;
    }
  }

  private badFieldLine(what: string): ProxyError {
    return new ProxyError(this.codes.fieldLine, `malformed field line: ${what}`);
  }
}

/** The id of the name in the buffer: the hash finds the one candidate, comparing it makes sure. */
function knownId(buffer: Buffer, start: number, end: number, hash: number): number {
  const id = candidateId(hash);
  if (id === FieldId.other) return id;
  const name = candidateName(hash);
  if (name.length !== end - start) return FieldId.other;
  for (let i = 0; i < name.length; i++) {
    if (TOKEN_LOWER[buffer[start + i] as number] !== name.charCodeAt(i)) return FieldId.other;
  }
  return id;
}
