import * as z from 'zod';
import { checkStaticTemplate } from '../value/template.ts';
import { anyText, key, object, parsed, path } from './field.ts';

/** A body: exactly one of the three kinds (checked when it is built). */
export const resourceSchema = object(
  {
    text: key(
      parsed(anyText('a text'), checkStaticTemplate),
      { type: 'string' },
      'The body as text, sent as `text/plain; charset=utf-8`; placeholders are filled in.',
    ),
    json: key(
      z.unknown(),
      { type: 'any value' },
      'The body as a value, sent as JSON with `application/json`; placeholders in its strings are filled in.',
    ),
    file: key(
      path('a file'),
      { type: 'Path' },
      'A file of at most 16 MiB, read when the config is loaded and sent as it is; the Content-Type comes from its extension.',
    ),
  },
  'a resource: { text }, { json } or { file }',
).meta({ id: 'Resource', description: 'A body. Exactly one of the keys.' });

export type RawResource = z.infer<typeof resourceSchema>;
