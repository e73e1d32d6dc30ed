import type * as z from 'zod';
import { parseDomainPattern } from '../value/domain-pattern.ts';
import { parseMethod } from '../value/header-field.ts';
import { parsePathPatterns } from '../value/path-pattern.ts';
import { key, list, object, parsed, text } from './field.ts';

export const matchSchema = object(
  {
    domain: key(
      parsed(text('a domain pattern'), parseDomainPattern),
      { type: 'string', default: 'any' },
      'Pattern for the host, see [Domain patterns](#domain-patterns).',
    ),
    path: key(
      parsed(text('a path pattern'), parsePathPatterns),
      { type: 'string', default: 'any' },
      'Pattern for the path, see [Path patterns](#path-patterns).',
    ),
    methods: key(
      list(parsed(text('an HTTP method'), parseMethod), 'a list of HTTP methods'),
      { type: 'string[]', default: 'all' },
      'Methods, in upper or lower case; without them, all methods.',
    ),
  },
  'an object with domain, path and methods',
).meta({ id: 'Match', description: 'What a route matches. `domain` or `path` is required.' });

export type RawMatch = z.infer<typeof matchSchema>;
