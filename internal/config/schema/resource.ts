import * as z from 'zod';
import { anyText, flag, key, object, path } from './field.ts';

/** A body: exactly one of the three kinds (checked when it is built). */
export const resourceSchema = object(
  {
    text: key(
      anyText('a text'),
      { type: 'string' },
      'The body as text. It is sent as `text/html` if it begins with an HTML tag (`<!doctype html>`, `<p>`), otherwise as `text/plain`. Placeholders are filled in.',
    ),
    json: key(
      z.unknown(),
      { type: 'any value' },
      'The body as a value, sent as JSON with `application/json`; placeholders in its strings are filled in.',
    ),
    file: key(
      path('a file'),
      { type: 'Path' },
      'A file of at most 16 MiB, which is read when the config is loaded. Its extension decides the Content-Type. Placeholders are filled in if it is UTF-8 text.',
    ),
    raw: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Send the body unchanged, without filling in placeholders. For scripts, and for templates that browsers fill in.',
    ),
  },
  'a resource: { text }, { json } or { file }',
).meta({ id: 'Resource', description: 'A body: exactly one of `text`, `json` and `file`.' });

export type RawResource = z.infer<typeof resourceSchema>;
