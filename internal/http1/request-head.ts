import { ProxyError } from '../base/index.ts';
import {
  CR,
  LF,
  REQUEST_TARGET,
  SP,
  TARGET_DOT,
  TARGET_PERCENT,
  TARGET_QUESTION,
  TOKEN_LOWER,
} from './characters.ts';
import { HeadReader, MORE } from './head-reader.ts';
import { type HeadLimits, MAX_METHOD_BYTES } from './limits.ts';

/** `HTTP/1.` as bytes: what a version starts with, up to its minor digit. */
const VERSION_PREFIX = Buffer.from('HTTP/1.', 'latin1');
/** SP before it, eight bytes of version and CRLF behind it. */
const VERSION_LINE_BYTES = 11;

/** Methods that are recognised without making a string. */
const COMMON_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'] as const;

/** Reads request heads: request-line and fields (RFC 9112 §3, §5). */
export class RequestHeadReader extends HeadReader {
  /** Case-sensitive (RFC 9110 §9.1). */
  method = '';
  /** The request target as it was sent. */
  target = '';
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** False when the target has neither `.` nor `%`: then its path is in normal form already. */
  mayNeedNormalizing = false;
  /** False when the target has no `?`. */
  hasQuery = false;
  private methodAt = 0;
  private targetAt = 0;
  private targetEnd = 0;

  constructor(limits: HeadLimits) {
    super(limits, { startLine: 'bad_start_line', fieldLine: 'bad_field_line', tooLarge: 'head_too_large' }, true);
  }

  /** request-line = method SP request-target SP HTTP-version (RFC 9112 §3), each SP a single one. */
  protected parseStartLine(buffer: Buffer, base: number, start: number, end: number): number {
    let at = start;
    if (buffer[at] === CR) {
      // RFC 9112 §2.2: one empty line before the request line is read over.
      if (at + 1 >= end) return MORE;
      if (buffer[at + 1] !== LF) throw new ProxyError('bad_start_line', 'a CR without its LF');
      at += 2;
    }
    this.methodAt = at - base;
    while (at < end && TOKEN_LOWER[buffer[at] as number] !== 0) at++;
    const methodEnd = at;
    if (methodEnd - base - this.methodAt > MAX_METHOD_BYTES) {
      throw new ProxyError('bad_start_line', `the method is longer than ${MAX_METHOD_BYTES} bytes`);
    }
    if (at === end) return MORE;
    if (buffer[at] !== SP || methodEnd === base + this.methodAt) {
      throw new ProxyError('bad_start_line', 'the request line does not start with a method and a space');
    }
    const targetStart = ++at;
    let seen = 0;
    let kind = 0;
    while (at < end && (kind = REQUEST_TARGET[buffer[at] as number] as number) !== 0) {
      seen |= kind;
      at++;
    }
    if (at - targetStart > this.limits.maxTargetBytes) throw this.startLineTooLong();
    if (at === end) return MORE;
    if (buffer[at] !== SP) throw new ProxyError('bad_target', 'a byte in the request target that may not stand there');
    if (at === targetStart) throw new ProxyError('bad_start_line', 'no request target');
    this.targetAt = targetStart - base;
    this.targetEnd = at - base;
    this.mayNeedNormalizing = (seen & (TARGET_DOT | TARGET_PERCENT)) !== 0;
    this.hasQuery = (seen & TARGET_QUESTION) !== 0;
    if (end - at < VERSION_LINE_BYTES) {
      if (buffer.indexOf(LF, at) >= 0 && buffer.indexOf(LF, at) < end) throw badVersion(buffer, at);
      return MORE;
    }
    this.parseVersion(buffer, at + 1);
    this.method = commonMethod(buffer, base + this.methodAt, methodEnd);
    return at + VERSION_LINE_BYTES;
  }

  protected complete(text: string): void {
    this.target = text.slice(this.targetAt, this.targetEnd);
    if (this.method === '') this.method = text.slice(this.methodAt, this.targetAt - 1);
  }

  protected override startLineTooLong(): ProxyError {
    return new ProxyError('target_too_long', `the request target is longer than ${this.limits.maxTargetBytes} bytes`);
  }

  private parseVersion(buffer: Buffer, at: number): void {
    for (let i = 0; i < VERSION_PREFIX.length; i++) {
      if (buffer[at + i] !== VERSION_PREFIX[i]) throw badVersion(buffer, at - 1);
    }
    const minor = (buffer[at + 7] as number) - 0x30;
    if ((minor !== 0 && minor !== 1) || buffer[at + 8] !== CR || buffer[at + 9] !== LF) throw badVersion(buffer, at - 1);
    this.minorVersion = minor;
  }
}

/** A version that is well formed but not ours is another fault than a line that is not well formed. */
function badVersion(buffer: Buffer, spaceAt: number): ProxyError {
  const line = buffer.toString('latin1', spaceAt, spaceAt + VERSION_LINE_BYTES);
  if (/^ HTTP\/[0-9]\.[0-9]\r\n$/.test(line)) {
    return new ProxyError('bad_version', `the version is ${line.trim()}, prox speaks HTTP/1.1 and HTTP/1.0`);
  }
  return new ProxyError('bad_start_line', 'the request line does not end with an HTTP version and CRLF');
}

/** The method as a constant when it is a common one, else empty. */
function commonMethod(buffer: Buffer, start: number, end: number): string {
  const first = buffer[start] as number;
  for (const method of COMMON_METHODS) {
    if (method.charCodeAt(0) !== first || method.length !== end - start) continue;
    let i = 1;
    while (i < method.length && buffer[start + i] === method.charCodeAt(i)) i++;
    if (i === method.length) return method;
  }
  return '';
}
