export { BodyDecoder } from './body-decoder.ts';
export type { BodySink } from './chunked-decoder.ts';
export { ChunkedDecoder } from './chunked-decoder.ts';
export { MORE } from './head-reader.ts';
export { DEFAULT_HEAD_LIMITS, type HeadLimits, MAX_METHOD_BYTES, TRAILER_LIMITS } from './limits.ts';
export { RequestHeadReader } from './request-head.ts';
export { ResponseHeadReader } from './response-head.ts';
export { TrailerReader } from './trailer-section.ts';
