import type { CompressionLevels } from './encoders.ts';

/** The checked config of the `compression` middleware. */
export interface CompressionConfig {
  readonly levels: CompressionLevels;
  /** `upstream`: as responses come from the upstream; `downstream`: every response, as the last step before the client. */
  readonly mode: 'upstream' | 'downstream';
  /** Bytes below which a body of known length is sent as it is. */
  readonly minLength: number;
  /** Media types that are compressed; see MediaTypes. */
  readonly types: readonly string[];
  /** Whether what the client cannot decode is decoded for it. */
  readonly decompression: boolean;
}
