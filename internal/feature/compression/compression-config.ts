import type { CompressionLevels } from './encoders.ts';

/** The checked config of the `compression` middleware. */
export interface CompressionConfig {
  readonly levels: CompressionLevels;
  /** `upstream`: compresses responses of upstreams only; `downstream`: every response, as the last step before the client. */
  readonly mode: 'upstream' | 'downstream';
  /** A body of known length with fewer bytes is not compressed. */
  readonly minLength: number;
  /** Media types that are compressed; see MediaTypes. */
  readonly types: readonly string[];
  /** Whether prox decodes a body that the client cannot decode. */
  readonly decompression: boolean;
}
