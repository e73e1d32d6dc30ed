import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

import { ProxyError } from '../../base/index.ts';
import type { BodyCodec } from './body-codec.ts';
import { ZSTD } from './zstd.ts';

/**
 * A body may decode to this many bytes. A larger one may have at most GREATEST_RATIO times its encoded bytes. Decoded bytes
 * are not kept in memory; the bound protects the client and the processor.
 */
const FREE_BYTES = 16_777_216;
/** gzip reaches at most 1,032. Texts and logs stay below 200; a decompression bomb of br reaches a million. */
const GREATEST_RATIO = 200;

const PIECE_BYTES = 16_384;
const { constants } = zlib;

/** RFC 9659: zstd as a content coding has no window above 8 MiB (2^23), so that a decoder can refuse larger ones. */
const ZSTD_WINDOW_LOG = 23;

/** The decoder of a coding; undefined if this Node has none. */
export function decoderOf(coding: string): BodyCodec | undefined {
  return DECODERS.get(coding);
}

class Decoder implements BodyCodec {
  readonly wholeBytes = 0;
  readonly open: () => Transform;
  readonly name: string;

  constructor(name: string, open: () => Transform) {
    this.name = name;
    this.open = open;
  }

  /** Called for an empty body only, as `wholeBytes` is 0. Some upstreams send one without coding it: it stays empty. */
  whole(body: Buffer): Buffer {
    return body;
  }

  check(bytesIn: number, bytesOut: number): ProxyError | null {
    if (bytesOut <= FREE_BYTES || bytesOut <= bytesIn * GREATEST_RATIO) return null;
    const message = `the ${this.name} body of the response decodes to more than ${GREATEST_RATIO} times its size`;
    return new ProxyError('bad_response', message);
  }

  failed(cause: Error & { readonly code?: string }, bytesOut: number): ProxyError | null {
    // Node 24 expects another frame behind a frame of zstd; later versions end there, as gzip and br do.
    if (cause.code === 'ZSTD_error_prefix_unknown' && bytesOut > 0) return null;
    return new ProxyError('bad_response', `the body of the response is not valid ${this.name}: ${cause.message}`, {
      cause,
    });
  }
}

function decoders(): ReadonlyMap<string, BodyCodec> {
  const chunkSize = PIECE_BYTES;
  const found = [
    new Decoder('gzip', () => zlib.createGunzip({ flush: constants.Z_SYNC_FLUSH, chunkSize })),
    new Decoder('br', () => zlib.createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH, chunkSize })),
  ];
  if (ZSTD !== null) {
    const zstd = ZSTD;
    const params = { [zstd.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
    found.push(new Decoder('zstd', () => zstd.createZstdDecompress({ chunkSize, params })));
  }
  return new Map(found.map((decoder) => [decoder.name, decoder]));
}

const DECODERS = decoders();
