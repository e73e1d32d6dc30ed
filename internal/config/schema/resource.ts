import * as z from 'zod';
import { anyText, flag, key, object, path } from './field.ts';

/** A body: exactly one of the three kinds (checked when it is built). */
export const resourceSchema = object(
  {
    text: key(
      anyText('a text'),
      { type: 'string' },
      'The body as text, sent as `text/html` where it begins with a tag of HTML (`<!doctype html>`, `<p>`), else as `text/plain`; placeholders are filled in.',
    ),
    json: key(
      z.unknown(),
      { type: 'any value' },
      'The body as a value, sent as JSON with `application/json`; placeholders in its strings are filled in.',
    ),
    file: key(
      path('a file'),
      { type: 'Path' },
      'A file of at most 16 MiB, read when the config is loaded; the Content-Type comes from its extension. Placeholders are filled in where it is text in UTF-8.',
    ),
    raw: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Send the body as it stands: braces are no placeholders. For scripts, and for templates that browsers fill in.',
    ),
  },
  'a resource: { text }, { json } or { file }',
).meta({ id: 'Resource', description: 'A body: exactly one of `text`, `json` and `file`.' });

export type RawResource = z.infer<typeof resourceSchema>;
