import { Fields, formatHttpDate } from '../message/index.ts';
import type { Coding } from './precompressed.ts';
import { type FileState, type Validators, validatorsOf } from './validators.ts';

/** The field of answers that depend on the codings that the client accepts (RFC 9110 §12.5.5). */
export const VARY = ['Vary', 'Accept-Encoding'] as const;

/** One form in which a file is sent (RFC 9110 §3.2): itself, or a compressed sibling. Its fields are made once. */
export class Representation {
  readonly state: FileState;
  /** Bytes. */
  readonly size: number;
  /** The type of the original, whatever the coding. */
  readonly contentType: string;
  /** Null for the original. */
  readonly coding: Coding | null;
  readonly validators: Validators;
  /** Whether the form depends on Accept-Encoding. */
  readonly varies: boolean;
  /** The fields of a complete response, except for framing. Each response gets a copy. */
  readonly fields: Fields;
  /** All its bytes, if they are in memory. */
  content: Buffer | null = null;
  /** Start of reading them, in milliseconds since 1970. */
  readAt = 0;
  private notModified: Fields | null = null;

  /** @param now milliseconds since 1970 */
  constructor(state: FileState, coding: Coding | null, contentType: string, varies: boolean, now: number) {
    // Only these values are kept, because the complete result of the system is three times as large.
    const { mtimeNs, ctimeNs, ino, dev } = state;
    this.state = { size: state.size, mtimeNs, ctimeNs, ino, dev };
    this.size = Number(state.size);
    this.contentType = contentType;
    this.coding = coding;
    this.varies = varies;
    this.validators = validatorsOf(state, coding?.name ?? '', now);
    const fields = Fields.of([['Content-Type', contentType]]);
    if (coding !== null) fields.append('Content-Encoding', coding.name);
    fields.append('ETag', this.validators.etag);
    const { lastModified } = this.validators;
    if (lastModified !== null) fields.append('Last-Modified', formatHttpDate(lastModified));
    fields.append('Accept-Ranges', 'bytes');
    if (varies) fields.append(...VARY);
    this.fields = fields;
  }

  /**
   * The fields of a 304: those that guide caches, and none that repeat the representation (RFC 9110 §15.4.5). Each
   * response gets a copy.
   */
  get notModifiedFields(): Fields {
    return (this.notModified ??= Fields.of([['ETag', this.validators.etag], ...(this.varies ? [VARY] : [])]));
  }

  /** The extension that its file adds to the name of the original. */
  get extension(): string {
    return this.coding === null ? '' : this.coding.extension;
  }
}
