import type * as z from 'zod';

import {
  byteSize,
  checkMediaTypePattern,
  flag,
  integer,
  key,
  list,
  middleware,
  oneOf,
  parseByteSize,
  parsed,
  type PluginEntry,
  text,
} from '../../config/index.ts';
import type { CompressionConfig } from './compression-config.ts';
import { COMPRESSED_TYPES } from './content-types.ts';
import { ZSTD } from './zstd.ts';

/** A smaller body leaves in one packet with its head anyway, and coding it may make it longer. */
const DEFAULT_MIN_LENGTH = 1024;

function level(max: number, meaning: string) {
  return key(integer(0, max, 'a level'), { type: 'integer', default: '0' }, meaning);
}

export const compressionSchema = middleware(
  'compression',
  {
    gzip_level: level(9, 'How hard gzip works, from 1 (fast) to 9 (small); 0 does not use it.'),
    br_level: level(11, 'The same for br (Brotli), from 1 to 11. Above 6 it takes many times as long as gzip.'),
    zstd_level: level(22, 'The same for zstd, from 1 to 22. It needs Node 22.15; on older ones it is not offered.'),
    mode: key(
      oneOf(['downstream', 'upstream']),
      { type: '`downstream`, `upstream`', default: 'downstream' },
      '`downstream`: every response is compressed, as the last step before the client. `upstream`: only responses of upstreams are, as they come.',
    ),
    min_length: key(
      byteSize({ min: 0 }),
      { type: 'size', default: '1k' },
      'Bodies whose length is known to be less are sent as they are.',
    ),
    types: key(
      list(parsed(text('a media type'), checkMediaTypePattern), 'a list of media types'),
      { type: 'string[]', default: 'text and the like' },
      'Media types that are compressed: `text/html`, `text/*`, `+json`.',
    ),
    decompression: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Decode responses that came as gzip, br or zstd for clients that do not accept that.',
    ),
  },
  'Compresses responses.',
);

export type RawCompression = z.infer<typeof compressionSchema>;

export function buildCompression(raw: RawCompression, entry: PluginEntry): CompressionConfig | null {
  const levels = { gzip: raw.gzip_level ?? 0, br: raw.br_level ?? 0, zstd: raw.zstd_level ?? 0 };
  const decompression = raw.decompression ?? false;
  if (levels.gzip + levels.br + levels.zstd === 0 && !decompression) {
    const message = 'expected something to do: `gzip_level`, `br_level` or `zstd_level` above 0, or `decompression`';
    return entry.reportMissing([], message);
  }
  if (levels.zstd > 0 && ZSTD === null) {
    const version = process.versions.node;
    entry.warn(['zstd_level'], `zstd is not offered to clients: it needs Node 22.15 or later, and this is ${version}`);
  }
  if (raw.types?.length === 0) return entry.report(['types'], 'expected at least one media type, found an empty list');
  return {
    levels,
    mode: raw.mode ?? 'downstream',
    minLength: parseByteSize(raw.min_length ?? DEFAULT_MIN_LENGTH, { min: 0 }),
    types: raw.types ?? COMPRESSED_TYPES,
    decompression,
  };
}
