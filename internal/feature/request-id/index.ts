import type { Feature, Filter } from '../../exchange/index.ts';
import { buildRequestId, type RequestIdConfig } from './build.ts';
import { RequestIdFilter, UpstreamRequestIdFilter } from './filter.ts';
import { type RawRequestId, requestIdSchema } from './schema.ts';

function compile(config: RequestIdConfig): Filter {
  return config.upstreamOnly ? new UpstreamRequestIdFilter(config) : new RequestIdFilter(config);
}

/** Gives each request an id. */
export const requestId: Feature<RawRequestId, RequestIdConfig> = {
  category: 'request_id',
  schema: requestIdSchema,
  readyMade: { requestId: {} },
  build: buildRequestId,
  compile,
};
