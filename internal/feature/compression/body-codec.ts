import type { Transform } from 'node:stream';

import type { ProxyError } from '../../base/index.ts';

/** Encodes or decodes a body with node:zlib. */
export interface BodyCodec {
  /**
   * Limit for the bytes of a body that `whole` takes. It blocks the event loop, which costs less for a small body than a
   * stream that uses the thread pool.
   */
  readonly wholeBytes: number;
  /** The result for a whole body. */
  whole(body: Buffer): Buffer;
  /** Opens a stream. After each write it outputs all that the bytes so far allow. */
  open(): Transform;
  /** The error if the ratio of bytes in and out is not acceptable; else null. */
  check(bytesIn: number, bytesOut: number): ProxyError | null;
  /** Converts an error of the stream; null if the content is complete and only bytes behind it are at fault. */
  failed(cause: Error, bytesOut: number): ProxyError | null;
}
