import type { ErrorCode } from '../base/index.ts';
import { HeadReader } from './head-reader.ts';
import { TRAILER_LIMITS } from './limits.ts';

/** Reads trailer sections (RFC 9112 §7.1.2): field lines up to the empty line, without a start line. */
export class TrailerReader extends HeadReader {
  /** @param code the error code for a malformed or too large section */
  constructor(code: ErrorCode) {
    super(TRAILER_LIMITS, { startLine: code, fieldLine: code, tooLarge: code }, false);
  }

  protected parseStartLine(): number {
    throw new Error('a trailer section has no start line');
  }

  protected complete(): void {
    // The fields are all there is.
  }
}
