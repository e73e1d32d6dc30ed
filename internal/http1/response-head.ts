import { ProxyError } from '../base/index.ts';
import { CR, FIELD_VALUE, LF, SP } from './characters.ts';
import { HeadReader, MORE } from './head-reader.ts';
import type { HeadLimits } from './limits.ts';

/** `HTTP/1.x 200 ` has 13 bytes. */
const STATUS_PREFIX_BYTES = 13;
const VERSION_PREFIX = Buffer.from('HTTP/1.', 'latin1');

/** Reads response heads: status-line and fields (RFC 9112 §4, §5). */
export class ResponseHeadReader extends HeadReader {
  /** 100 to 599 (RFC 9110 §15: anything else is invalid). */
  status = 0;
  /** The reason phrase, often empty; for people only. */
  reason = '';
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minorVersion = 1;
  private reasonAt = 0;
  private reasonEnd = 0;

  constructor(limits: HeadLimits) {
    super(limits, { startLine: 'bad_response', fieldLine: 'bad_response', tooLarge: 'response_head_too_large' }, true);
  }

  /** status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 §4); the second SP is not optional. */
  protected parseStartLine(buffer: Buffer, base: number, start: number, end: number): number {
    const known = Math.min(VERSION_PREFIX.length, end - start);
    for (let i = 0; i < known; i++) {
      if (buffer[start + i] !== VERSION_PREFIX[i]) throw bad('it does not start with HTTP/1.');
    }
    if (end - start < STATUS_PREFIX_BYTES) {
      const lineFeed = buffer.indexOf(LF, start);
      if (lineFeed >= 0 && lineFeed < end) throw bad('the status line is too short');
      return MORE;
    }
    const minor = (buffer[start + 7] as number) - 0x30;
    if ((minor !== 0 && minor !== 1) || buffer[start + 8] !== SP) throw bad('the version is neither 1.1 nor 1.0');
    const status = digit(buffer, start + 9) * 100 + digit(buffer, start + 10) * 10 + digit(buffer, start + 11);
    if (status < 100 || status > 599) throw bad(`status ${status} is outside of 100 to 599`);
    if (buffer[start + 12] !== SP) throw bad('no space behind the status code');
    let at = start + STATUS_PREFIX_BYTES;
    while (at < end && FIELD_VALUE[buffer[at] as number] === 1) at++;
    if (at + 1 >= end) {
      if (at < end && buffer[at] !== CR) throw bad('a control byte in the reason phrase');
      return MORE;
    }
    if (buffer[at] !== CR || buffer[at + 1] !== LF) throw bad('a control byte in the reason phrase');
    this.minorVersion = minor;
    this.status = status;
    this.reasonAt = start + STATUS_PREFIX_BYTES - base;
    this.reasonEnd = at - base;
    return at + 2;
  }

  protected complete(text: string): void {
    this.reason = text.slice(this.reasonAt, this.reasonEnd);
  }
}

function digit(buffer: Buffer, at: number): number {
  const value = (buffer[at] as number) - 0x30;
  if (value < 0 || value > 9) throw bad('the status code is not three digits');
  return value;
}

function bad(what: string): ProxyError {
  return new ProxyError('bad_response', `malformed status line: ${what}`);
}
