import type { Feature } from '../../exchange/index.ts';
import { buildResponseHeaders, type ResponseHeadersConfig } from './build.ts';
import { ResponseHeadersFilter, UpstreamHeadersFilter } from './filter.ts';
import { type RawResponseHeaders, responseHeadersSchema } from './schema.ts';

/** Changes the fields and the status of responses. */
export const responseHeaders: Feature<RawResponseHeaders, ResponseHeadersConfig> = {
  category: 'response_headers',
  schema: responseHeadersSchema,
  build: buildResponseHeaders,
  compile: (config) => (config.upstream ? new UpstreamHeadersFilter(config) : new ResponseHeadersFilter(config)),
};
