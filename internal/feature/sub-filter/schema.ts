import type * as z from 'zod';

import {
  checkMediaTypePattern,
  InvalidValue,
  key,
  list,
  middleware,
  parsed,
  parseStatuses,
  type PluginEntry,
  text,
} from '../../config/index.ts';
import { compilePattern } from './regex-engine.ts';
import { parseRule } from './rule.ts';
import type { SubFilterConfig } from './sub-filter.ts';

function checkPath(value: string): void {
  try {
    compilePattern(value, false);
  } catch (error) {
    const found = `${JSON.stringify(value)}: ${(error as Error).message}`;
    throw new InvalidValue(`expected a regular expression in the syntax of RE2, found ${found}`);
  }
}

export const subFilterSchema = middleware(
  'sub_filter',
  {
    filters: key(
      list(parsed(text('a rule'), parseRule), 'a list of rules'),
      { type: 'string[]', required: true },
      "Rules, each working on what the one before it has made: `sub_filter 'text' 'new' gi` or `subs_filter 'regular expression' 'new' gi`.",
    ),
    path: key(
      parsed(text('a regular expression'), checkPath),
      { type: 'string', default: 'any path' },
      'Regular expression that has to match somewhere in the path of the request.',
    ),
    status_codes: key(
      parsed(text('statuses such as "200,404"'), parseStatuses),
      { type: 'string', default: 'all' },
      'Statuses and classes of them, separated by commas: `"200,4xx"`.',
    ),
    types: key(
      list(parsed(text('a media type'), checkMediaTypePattern), 'a list of media types'),
      { type: 'string[]', default: '["text/html"]' },
      'Media types of the bodies that are changed: `text/html`, `text/*`, `+json`.',
    ),
  },
  'Replaces text in the bodies of responses.',
);

export type RawSubFilter = z.infer<typeof subFilterSchema>;

export function buildSubFilter(raw: RawSubFilter, entry: PluginEntry): SubFilterConfig | null {
  if (raw.filters.length === 0) return entry.report(['filters'], 'expected at least one rule, found an empty list');
  if (raw.types?.length === 0) return entry.report(['types'], 'expected at least one media type, found an empty list');
  return {
    rules: raw.filters.map(parseRule),
    path: raw.path ?? null,
    statuses: raw.status_codes === undefined ? null : parseStatuses(raw.status_codes),
    types: raw.types ?? ['text/html'],
  };
}
