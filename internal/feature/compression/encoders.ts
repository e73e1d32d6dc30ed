import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

import { ProxyError } from '../../base/index.ts';
import type { NamedCoding } from '../../message/index.ts';
import type { BodyCodec } from './body-codec.ts';
import { ZSTD } from './zstd.ts';

/** The level of each coding; 0 turns it off. */
export interface CompressionLevels {
  /** 0 to 9. */
  readonly gzip: number;
  /** 0 to 11. */
  readonly br: number;
  /** 0 to 22. */
  readonly zstd: number;
}

/** A coding that responses are compressed with. */
export interface Encoder extends NamedCoding {
  readonly codec: BodyCodec;
}

/** Bodies up to this size are compressed without the thread pool: at most half a millisecond of work at the levels below. */
const WHOLE_BYTES = 32_768;
/** The highest levels for which this time holds. */
const QUICK = { gzip: 6, br: 6, zstd: 9 };

/**
 * log2 of the window of a stream in bytes. The defaults of br and zstd are 4 MiB and more, memory that each response would
 * take. 19 is 512 KiB, more than most pages and scripts have, and far below the 8 MiB that RFC 9659 allows for zstd.
 */
const WINDOW_LOG = 19;

/** Bytes of a piece of output at most. */
const PIECE_BYTES = 16_384;
/** The smallest piece that zlib allows. */
const LEAST_PIECE_BYTES = 1024;

const { constants } = zlib;

/** The codings with a level above 0 that this Node has, in the order of preference among codings with equal weights. */
export function encodersOf(levels: CompressionLevels): readonly Encoder[] {
  const encoders: Encoder[] = [];
  if (levels.zstd > 0 && ZSTD !== null) encoders.push({ name: 'zstd', codec: new ZstdEncoder(ZSTD, levels.zstd) });
  if (levels.br > 0) encoders.push({ name: 'br', codec: new BrotliEncoder(levels.br) });
  if (levels.gzip > 0) encoders.push({ name: 'gzip', codec: new GzipEncoder(levels.gzip) });
  return encoders;
}

abstract class EncoderCodec implements BodyCodec {
  readonly wholeBytes: number;

  constructor(quick: boolean) {
    this.wholeBytes = quick ? WHOLE_BYTES : 0;
  }

  abstract whole(body: Buffer): Buffer;
  abstract open(): Transform;

  check(): null {
    return null;
  }

  failed(cause: Error): ProxyError {
    return new ProxyError('internal', `the response could not be compressed: ${cause.message}`, { cause });
  }
}

class GzipEncoder extends EncoderCodec {
  private readonly level: number;

  constructor(level: number) {
    super(level <= QUICK.gzip);
    this.level = level;
  }

  whole(body: Buffer): Buffer {
    return zlib.gzipSync(body, { level: this.level, chunkSize: pieceFor(body) });
  }

  open(): Transform {
    return zlib.createGzip({ level: this.level, flush: constants.Z_SYNC_FLUSH, chunkSize: PIECE_BYTES });
  }
}

class BrotliEncoder extends EncoderCodec {
  private readonly params: Record<number, number>;

  constructor(level: number) {
    super(level <= QUICK.br);
    this.params = { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: WINDOW_LOG };
  }

  whole(body: Buffer): Buffer {
    const params = { ...this.params, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
    return zlib.brotliCompressSync(body, { params, chunkSize: pieceFor(body) });
  }

  open(): Transform {
    const flush = constants.BROTLI_OPERATION_FLUSH;
    return zlib.createBrotliCompress({ params: this.params, flush, chunkSize: PIECE_BYTES });
  }
}

class ZstdEncoder extends EncoderCodec {
  private readonly zstd: NonNullable<typeof ZSTD>;
  private readonly params: Record<number, number>;

  constructor(zstd: NonNullable<typeof ZSTD>, level: number) {
    super(level <= QUICK.zstd);
    this.zstd = zstd;
    const names = zstd.constants;
    this.params = { [names.ZSTD_c_compressionLevel]: level, [names.ZSTD_c_windowLog]: WINDOW_LOG };
  }

  whole(body: Buffer): Buffer {
    return this.zstd.zstdCompressSync(body, { params: this.params, chunkSize: pieceFor(body) });
  }

  open(): Transform {
    const flush = this.zstd.constants.ZSTD_e_flush;
    return this.zstd.createZstdCompress({ params: this.params, flush, chunkSize: PIECE_BYTES });
  }
}

function pieceFor(body: Buffer): number {
  return Math.min(PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, body.length >> 1));
}
