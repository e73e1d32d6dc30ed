import type { Fields } from '../message/index.ts';
import type { UpstreamLink } from '../upstream/index.ts';

/**
 * Bytes of a request body that are kept until the upstream has answered: enough for forms and the messages of gRPC, and
 * small compared with the window of a stream.
 */
const MAX_KEPT_BYTES = 65_536;

/**
 * Keeps the body of a request to an upstream of HTTP/2. An upstream that shuts down may refuse a request that was already
 * sent (RFC 9113 §8.7), which happens at each deployment of a server. A longer body is not kept: its request fails then.
 */
export class ReplayBuffer {
  /** True while every byte was kept. */
  whole = true;
  private parts: Buffer[] = [];
  private bytes = 0;
  private complete = false;
  private trailers: Fields | null = null;

  /** Copies bytes, which are borrowed. */
  add(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    if (this.bytes > MAX_KEPT_BYTES) {
      this.whole = false;
      this.parts = [];
      return;
    }
    this.parts.push(Buffer.from(buffer.subarray(start, end)));
  }

  /** The body is complete. */
  end(trailers: Fields | null): void {
    this.complete = true;
    this.trailers = trailers === null ? null : trailers.copy();
  }

  /** Gives the kept bytes to another link. @returns whether the body is complete with them */
  replay(link: UpstreamLink): boolean {
    for (const part of this.parts) link.write(part, 0, part.length);
    if (this.complete) link.endRequest(this.trailers);
    return this.complete;
  }
}
