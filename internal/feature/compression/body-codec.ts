import type { Transform } from 'node:stream';

import type { ProxyError } from '../../base/index.ts';

/** What a body is sent through: how node:zlib encodes or decodes it. */
export interface BodyCodec {
  /**
   * Bytes of a body that `whole` takes at most. Its work blocks the event loop, which is cheaper for a small body than a way
   * through the thread pool.
   */
  readonly wholeBytes: number;
  /** The result for a whole body. */
  whole(body: Buffer): Buffer;
  /** Opens a stream, which after each write gives everything that it can make of the bytes so far. */
  open(): Transform;
  /** Why so many bytes in and out are not acceptable; null when they are. */
  check(bytesIn: number, bytesOut: number): ProxyError | null;
  /** What an error of the stream means; null when the content is complete, and only what follows it is at fault. */
  failed(cause: Error, bytesOut: number): ProxyError | null;
}
