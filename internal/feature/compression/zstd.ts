import type { Transform } from 'node:stream';
import zlib, { type BrotliOptions } from 'node:zlib';

/** The zstd functions (RFC 8878) of Node from 22.15 on. prox uses the types of the oldest Node that it runs on, which lack them. */
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

/** Null if this Node has no zstd. */
export const ZSTD: Zstd | null = 'createZstdCompress' in zlib ? (zlib as unknown as Zstd) : null;
