import type { Coding } from './precompressed.ts';
import { type FileState, validatorLines, type Validators, validatorsOf } from './validators.ts';

/** One form in which a file is sent (RFC 9110 §3.2): itself, or a compressed sibling. What is said of it is made once. */
export class Representation {
  readonly state: FileState;
  /** Bytes. */
  readonly size: number;
  /** Of the original, whatever the coding. */
  readonly contentType: string;
  /** Null for the original. */
  readonly coding: Coding | null;
  readonly validators: Validators;
  /** `Vary` as a field line, or empty. */
  readonly varyLine: string;
  /** The field lines of a response with all of it, or with parts of it, but for Content-Type and framing. */
  readonly lines: string;
  /** `lines` and Content-Type. */
  readonly wholeLines: string;
  /** All its bytes, where they are held in memory. */
  content: Buffer | null = null;
  /** When reading them began, in milliseconds since 1970. */
  readAt = 0;

  /** @param now milliseconds since 1970 */
  constructor(state: FileState, coding: Coding | null, contentType: string, varyLine: string, now: number) {
    // What the system tells of a file is three times as large.
    const { mtimeNs, ctimeNs, ino, dev } = state;
    this.state = { size: state.size, mtimeNs, ctimeNs, ino, dev };
    this.size = Number(state.size);
    this.contentType = contentType;
    this.coding = coding;
    this.varyLine = varyLine;
    this.validators = validatorsOf(state, coding?.name ?? '', now);
    const encodingLine = coding === null ? '' : `Content-Encoding: ${coding.name}\r\n`;
    this.lines = `${encodingLine}${validatorLines(this.validators, true)}Accept-Ranges: bytes\r\n${varyLine}`;
    this.wholeLines = `Content-Type: ${contentType}\r\n${this.lines}`;
  }

  /** What its file adds to the name of the original. */
  get extension(): string {
    return this.coding === null ? '' : this.coding.extension;
  }
}
