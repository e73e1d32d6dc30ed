import type { Feature } from '../../exchange/index.ts';
import { buildSubFilter, type RawSubFilter, subFilterSchema } from './schema.ts';
import { SubFilter, type SubFilterConfig } from './sub-filter.ts';

/** Replaces text in the bodies of responses. */
export const subFilter: Feature<RawSubFilter, SubFilterConfig> = {
  category: 'sub_filter',
  schema: subFilterSchema,
  build: buildSubFilter,
  compile: (config) => new SubFilter(config),
};
