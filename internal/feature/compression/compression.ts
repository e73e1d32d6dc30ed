import type { Exchange, Filter, ResponseHead } from '../../exchange/index.ts';
import {
  acceptsCoding,
  addToVary,
  codingName,
  forbidsTransform,
  type Fields,
  MediaTypes,
  NO_BODY,
  WantedNames,
  weakened,
} from '../../message/index.ts';
import type { BodyCodec } from './body-codec.ts';
import { CodecStage } from './codec-stage.ts';
import { CodingChoice } from './coding-choice.ts';
import type { CompressionConfig } from './compression-config.ts';
import { decoderOf } from './decoders.ts';
import { type Encoder, encodersOf } from './encoders.ts';

const RESPONSE_NAMES = new WantedNames([
  'content-type',
  'content-encoding',
  'content-length',
  'content-range',
  'cache-control',
  'etag',
]);
const REQUEST_NAMES = new WantedNames(['accept-encoding', 'cache-control']);
const NO_VALUES: readonly null[] = [null, null, null, null, null, null];

/** Compresses responses on their way to the client or, in mode `upstream`, as they come from the upstream. */
export function compressionFilter(config: CompressionConfig): Filter {
  const compression = new Compression(config);
  if (config.mode === 'upstream') {
    return {
      encodes: true,
      onUpstreamResponse(exchange, response) {
        compression.apply(exchange, response);
        return null;
      },
    };
  }
  return { encodes: true, onResponse: (exchange, response) => compression.apply(exchange, response) };
}

/** Never compressed, even if the list of types names it: calls of gRPC have codings of their own (grpc-encoding). */
const GRPC = /^application\/grpc/i;

/** Changes the heads of responses and adds the stages that change the bodies. */
class Compression {
  readonly #config: CompressionConfig;
  readonly #types: MediaTypes;
  readonly #choice: CodingChoice<Encoder>;
  readonly #anyEncoder: boolean;

  constructor(config: CompressionConfig) {
    this.#config = config;
    this.#types = new MediaTypes(config.types);
    const encoders = encodersOf(config.levels);
    this.#choice = new CodingChoice(encoders);
    this.#anyEncoder = encoders.length > 0;
  }

  apply(exchange: Exchange, response: ResponseHead): void {
    const { fields, status } = response;
    if (status === 304) return keepTagOfCoded(exchange, fields);
    // RFC 9110 §15.3.6, §15.3.7: these responses have no content, or only a part of it.
    if (status === 204 || status === 205 || status === 206) return;
    const [type, encoding, length, range, cacheControl, etag] = fields.listsOf(RESPONSE_NAMES) ?? NO_VALUES;
    if (type === null || range !== null || forbidsTransform(cacheControl)) return;
    const [acceptEncoding, requestCacheControl] = exchange.requestFields.listsOf(REQUEST_NAMES) ?? NO_VALUES;
    const forbidden = forbidsTransform(requestCacheControl);
    if (encoding !== null && encoding !== '' && codingName(encoding) !== 'identity') {
      const decoder = this.#config.decompression ? decoderOf(codingName(encoding)) : undefined;
      if (decoder === undefined || !hasContent(response)) return;
      addToVary(fields, 'Accept-Encoding');
      if (forbidden || acceptsCoding(acceptEncoding, codingName(encoding))) return;
      fields.remove('content-encoding');
      transform(response, decoder, etag);
    } else if (!this.#isLongEnough(response, length)) {
      return;
    }
    if (!this.#anyEncoder || !this.#types.has(type) || GRPC.test(type)) return;
    addToVary(fields, 'Accept-Encoding');
    const encoder = forbidden ? null : this.#choice.of(acceptEncoding);
    if (encoder === null) return;
    fields.set('Content-Encoding', encoder.name);
    transform(response, encoder.codec, etag);
  }

  #isLongEnough(response: ResponseHead, contentLength: string | null): boolean {
    // The response to a HEAD states the length in Content-Length only.
    const bytes = response.toHead && contentLength !== null ? Number(contentLength) : response.framing;
    return bytes < 0 || (bytes !== NO_BODY && bytes >= this.#config.minLength);
  }
}

/** Changes the body through the codec. The entity tag becomes weak, as the bytes are different ones. */
function transform(response: ResponseHead, codec: BodyCodec, etag: string | null): void {
  if (etag !== null) response.fields.set('ETag', weakened(etag));
  response.transformBody(() => new CodecStage(codec));
}

function hasContent(response: ResponseHead): boolean {
  return response.toHead || response.hasBody;
}

/**
 * RFC 9111 §4.3.4: a 304 with a strong tag does not update a stored response with a weak one. A client that asks with the
 * weak form of the upstream's tag holds a response that prox has encoded or decoded, so the 304 gets the weak form, too.
 */
function keepTagOfCoded(exchange: Exchange, fields: Fields): void {
  const etag = fields.get('etag');
  if (etag === null || etag.startsWith('W/')) return;
  const asked = exchange.requestFields.get('if-none-match');
  if (asked === null || !asked.includes(weakened(etag))) return;
  fields.set('ETag', weakened(etag));
  addToVary(fields, 'Accept-Encoding');
}
