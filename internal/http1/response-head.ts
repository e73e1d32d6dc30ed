import { ProxyError } from '../base/index.ts';
import { CR, FIELD_VALUE, LF, SP, ZERO } from '../message/index.ts';
import { HeadReader, MORE } from './head-reader.ts';
import type { HeadLimits } from './limits.ts';

/** The bytes before the reason phrase: each lies between these two. */
const LOWEST_PREFIX = Buffer.from('HTTP/1.0 100', 'latin1');
const HIGHEST_PREFIX = Buffer.from('HTTP/1.9 599', 'latin1');
const PREFIX_BYTES = 12;
/** Positions of the minor version and the status code in this prefix. */
const MINOR = 7;
const STATUS = 9;

/** Reads response heads: status-line and fields (RFC 9112 §4, §5). */
export class ResponseHeadReader extends HeadReader {
  /** 100 to 599 (RFC 9110 §15: anything else is invalid). */
  status = 0;
  /** The reason phrase, often empty; for people only. */
  reason = '';
  /** 1 for HTTP/1.1 and higher minor versions, 0 for HTTP/1.0. */
  minorVersion = 1;
  private reasonEnd = 0;

  constructor(limits: HeadLimits) {
    super(limits, { startLine: 'bad_response', fieldLine: 'bad_response', tooLarge: 'response_head_too_large' }, true);
  }

  /**
   * status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 §4). The second SP is not optional, but some
   * servers omit it together with the reason phrase. prox accepts this, as such a line cannot be read in two ways.
   */
  protected parseStartLine(buffer: Buffer, base: number, end: number): number {
    let at = base + this.scanAt;
    if (at - base < PREFIX_BYTES) {
      if (!this.parsePrefix(buffer, base, end)) return MORE;
      at = base + PREFIX_BYTES;
    }
    if (at === base + PREFIX_BYTES && at < end && buffer[at] !== SP && buffer[at] !== CR) {
      throw bad('neither a space nor the end of the line behind the status');
    }
    while (at < end && FIELD_VALUE[buffer[at]] === 1) at++;
    this.scanAt = at - base;
    if (at === end) return MORE;
    if (buffer[at] !== CR) throw bad('a control byte in the reason phrase');
    if (at + 1 === end) return MORE;
    if (buffer[at + 1] !== LF) throw bad('a CR without its LF');
    this.reasonEnd = at - base;
    return at + 2;
  }

  protected complete(text: string): void {
    this.reason = text.slice(PREFIX_BYTES + 1, this.reasonEnd);
  }

  /** Starts again with every slice, as the prefix is short. */
  private parsePrefix(buffer: Buffer, base: number, end: number): boolean {
    const known = Math.min(PREFIX_BYTES, end - base);
    for (let i = 0; i < known; i++) {
      const byte = buffer[base + i];
      if (byte < LOWEST_PREFIX[i] || byte > HIGHEST_PREFIX[i]) {
        throw bad('it does not start with HTTP/1.x and a status from 100 to 599');
      }
    }
    if (known < PREFIX_BYTES) return false;
    // RFC 9110 §2.5: a higher minor version is read as the highest that the recipient knows.
    this.minorVersion = Math.min(buffer[base + MINOR] - ZERO, 1);
    this.status =
      digit(buffer, base + STATUS) * 100 + digit(buffer, base + STATUS + 1) * 10 + digit(buffer, base + STATUS + 2);
    return true;
  }
}

/** The value of a byte that is known to be a digit. */
function digit(buffer: Buffer, at: number): number {
  return buffer[at] - ZERO;
}

function bad(what: string): ProxyError {
  return new ProxyError('bad_response', `malformed status line: ${what}`);
}
