import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

import { ProxyError } from '../../base/index.ts';
import type { BodyCodec } from './body-codec.ts';
import { ZSTD } from './zstd.ts';

/**
 * A body that decodes to more than this is compared with what came: beyond it, GREATEST_RATIO times the encoded bytes is all
 * that is passed on. Nothing of it is kept in memory; the bound spares the client and the processor.
 */
const FREE_BYTES = 16_777_216;
/** The best that gzip can do is 1,032. Texts and logs stay below 200; a bomb of br reaches a million. */
const GREATEST_RATIO = 200;

const PIECE_BYTES = 16_384;
const { constants } = zlib;

/** RFC 9659: zstd as a content coding needs no window above 8 MiB (2^23), so that a decoder can refuse what takes more memory. */
const ZSTD_WINDOW_LOG = 23;

/** What decodes a coding; undefined where this Node does not have it. */
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

  /** Only ever of an empty body, which some upstreams send as it is: it stays empty. */
  whole(body: Buffer): Buffer {
    return body;
  }

  check(bytesIn: number, bytesOut: number): ProxyError | null {
    if (bytesOut <= FREE_BYTES || bytesOut <= bytesIn * GREATEST_RATIO) return null;
    const message = `the ${this.name} body of the response decodes to more than ${GREATEST_RATIO} times its size`;
    return new ProxyError('bad_response', message);
  }

  failed(cause: Error & { readonly code?: string }, bytesOut: number): ProxyError | null {
    // Behind a frame of zstd, Node 24 looks for another one; later lines of Node end there, as gzip and br do.
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
