import type { Feature } from '../../exchange/index.ts';
import { compressionFilter } from './compression.ts';
import type { CompressionConfig } from './compression-config.ts';
import { buildCompression, compressionSchema, type RawCompression } from './schema.ts';

/** Compresses responses, and decodes them for clients that cannot. */
export const compression: Feature<RawCompression, CompressionConfig> = {
  category: 'compression',
  schema: compressionSchema,
  readyMade: {
    compression: { gzip_level: 6, br_level: 6, zstd_level: 6 },
    compressionUpstream: { gzip_level: 6, br_level: 6, zstd_level: 6, mode: 'upstream' },
  },
  build: buildCompression,
  compile: compressionFilter,
};
