import { ProxyError } from '../base/index.ts';
import {
  CR,
  LF,
  REQUEST_TARGET,
  SP,
  TARGET_BEYOND_ASCII,
  TARGET_IRREGULAR,
  TARGET_QUESTION,
  TARGET_SLASH,
  TOKEN_LOWER,
  ZERO,
} from '../message/index.ts';
import { HeadReader, MORE } from './head-reader.ts';
import { type HeadLimits, MAX_METHOD_BYTES } from './limits.ts';

/** HTTP-version CRLF: each byte lies between these two. */
const LOWEST_VERSION = Buffer.from('HTTP/0.0\r\n', 'latin1');
const HIGHEST_VERSION = Buffer.from('HTTP/9.9\r\n', 'latin1');
const VERSION_BYTES = 10;
/** Positions of the digits in an HTTP-version. */
const MAJOR = 5;
const MINOR = 7;

/** The bit of a target with two slashes in a row. */
const TARGET_DOUBLE_SLASH = TARGET_SLASH << 4;

/** Methods that are recognised without a new string. */
const COMMON_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'] as const;

/** Reads request heads: request-line and fields (RFC 9112 §3, §5). */
export class RequestHeadReader extends HeadReader {
  /** Case-sensitive (RFC 9110 §9.1). */
  method = '';
  /** The request target as it was sent. */
  target = '';
  /** 1 for HTTP/1.1 and higher minor versions, 0 for HTTP/1.0. */
  minorVersion = 1;
  /** False if the bytes of the target prove that both forms of its path equal the path. */
  mayNeedNormalizing = false;
  /** False when the target has no `?`. */
  hasQuery = false;
  /** True when the target holds bytes beyond ASCII. */
  beyondAscii = false;
  private methodAt = 0;
  /** 0 while the method is not complete. */
  private targetAt = 0;
  /** 0 while the target is not complete. */
  private targetEnd = 0;
  /** TARGET_ bits of the target up to `scanAt`. */
  private targetBits = 0;

  constructor(limits: HeadLimits) {
    super(limits, { startLine: 'bad_start_line', fieldLine: 'bad_field_line', tooLarge: 'head_too_large' }, true);
  }

  override reset(): void {
    super.reset();
    this.targetAt = this.targetEnd = this.targetBits = 0;
  }

  /** request-line = method SP request-target SP HTTP-version (RFC 9112 §3), each SP a single one. */
  protected parseStartLine(buffer: Buffer, base: number, end: number): number {
    if (this.targetAt === 0 && !this.parseMethod(buffer, base, end)) return MORE;
    if (this.targetEnd === 0 && !this.parseTarget(buffer, base, end)) return MORE;
    return this.parseVersion(buffer, base + this.targetEnd + 1, end);
  }

  protected complete(text: string): void {
    this.target = text.slice(this.targetAt, this.targetEnd);
    if (this.method === '') this.method = text.slice(this.methodAt, this.targetAt - 1);
  }

  protected override startLineTooLong(): ProxyError {
    return new ProxyError('target_too_long', `the request target is longer than ${this.limits.maxTargetBytes} bytes`);
  }

  /** Starts again with every slice, as a method is short. */
  private parseMethod(buffer: Buffer, base: number, end: number): boolean {
    let at = base;
    if (buffer[at] === CR) {
      // RFC 9112 §2.2: one empty line before the request line is skipped.
      if (at + 1 === end) return false;
      if (buffer[at + 1] !== LF) throw badStartLine('a CR without its LF');
      at += 2;
    }
    const start = at;
    while (at < end && TOKEN_LOWER[buffer[at]] !== 0) at++;
    if (at - start > MAX_METHOD_BYTES) throw badStartLine(`the method is longer than ${MAX_METHOD_BYTES} bytes`);
    if (at === end) return false;
    if (buffer[at] !== SP || at === start) throw badStartLine('it does not start with a method and a space');
    this.method = commonMethod(buffer, start, at);
    this.methodAt = start - base;
    this.targetAt = this.scanAt = at + 1 - base;
    return true;
  }

  private parseTarget(buffer: Buffer, base: number, end: number): boolean {
    const start = base + this.targetAt;
    let at = base + this.scanAt;
    let bits = this.targetBits;
    let kind = 0;
    let previous = at > start ? REQUEST_TARGET[buffer[at - 1]] : 0;
    while (at < end && (kind = REQUEST_TARGET[buffer[at]]) !== 0) {
      bits |= kind | ((kind & previous & TARGET_SLASH) << 4);
      previous = kind;
      at++;
    }
    if (at - start > this.limits.maxTargetBytes) throw this.startLineTooLong();
    this.targetBits = bits;
    this.scanAt = at - base;
    if (at === end) return false;
    const byte = buffer[at];
    if (byte === CR || byte === LF) throw badStartLine('no HTTP version');
    if (byte !== SP) throw new ProxyError('bad_target', 'a byte in the request target that may not stand there');
    if (at === start) throw badStartLine('no request target, or a second space before it');
    this.targetEnd = at - base;
    this.mayNeedNormalizing = (bits & (TARGET_IRREGULAR | TARGET_DOUBLE_SLASH)) !== 0;
    this.beyondAscii = (bits & TARGET_BEYOND_ASCII) !== 0;
    this.hasQuery = (bits & TARGET_QUESTION) !== 0;
    return true;
  }

  /** Starts again with every slice, as a version is short. */
  private parseVersion(buffer: Buffer, at: number, end: number): number {
    const known = Math.min(VERSION_BYTES, end - at);
    for (let i = 0; i < known; i++) {
      const byte = buffer[at + i];
      if (byte < LOWEST_VERSION[i] || byte > HIGHEST_VERSION[i]) {
        throw badStartLine('it does not end with an HTTP version and CRLF');
      }
    }
    if (known < VERSION_BYTES) return MORE;
    const major = buffer[at + MAJOR] - ZERO;
    const minor = buffer[at + MINOR] - ZERO;
    // A well-formed version that prox does not support is another error than a malformed line.
    if (major !== 1) {
      throw new ProxyError(
        'bad_version',
        `the version is HTTP/${major}.${minor}, prox speaks HTTP/1.1 and HTTP/1.0 here`,
      );
    }
    // RFC 9110 §2.5: a higher minor version is read as the highest that the recipient knows.
    this.minorVersion = Math.min(minor, 1);
    return at + VERSION_BYTES;
  }
}

function badStartLine(what: string): ProxyError {
  return new ProxyError('bad_start_line', `malformed request line: ${what}`);
}

/** The method as a constant when it is a common one, else empty. */
function commonMethod(buffer: Buffer, start: number, end: number): string {
  const first = buffer[start];
  for (const method of COMMON_METHODS) {
    if (method.charCodeAt(0) !== first || method.length !== end - start) continue;
    let i = 1;
    while (i < method.length && buffer[start + i] === method.charCodeAt(i)) i++;
    if (i === method.length) return method;
  }
  return '';
}
