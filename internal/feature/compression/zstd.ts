import type { Transform } from 'node:stream';
import zlib, { type BrotliOptions } from 'node:zlib';

/** What Node has of zstd (RFC 8878) from 22.15 on. The types are those of the oldest Node that prox runs on, which has none. */
interface Zstd {
  createZstdCompress(options: BrotliOptions): Transform;
  createZstdDecompress(options: BrotliOptions): Transform;
  zstdCompressSync(bytes: Buffer, options: BrotliOptions): Buffer;
  readonly constants: {
    readonly ZSTD_c_compressionLevel: number;
    readonly ZSTD_c_windowLog: number;
    readonly ZSTD_d_windowLogMax: number;
    readonly ZSTD_e_flush: number;
  };
}

/** Null where this Node has no zstd. */
export const ZSTD: Zstd | null = 'createZstdCompress' in zlib ? (zlib as unknown as Zstd) : null;
