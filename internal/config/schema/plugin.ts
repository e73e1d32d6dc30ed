import type * as z from 'zod';
import { flag, key, named, object, path } from './field.ts';

export const pluginSchema = object(
  {
    path: key(
      path('a plugin'),
      { type: 'Path', required: true },
      'The plugin: a source file, a folder or an executable.',
    ),
    autostart: key(flag(), { type: 'bool', default: 'false' }, 'Start it with prox, although no route refers to it.'),
  },
  'a plugin: { path }',
).meta({ id: 'Plugin', description: 'A plugin that routes refer to by name.' });

export type RawPlugin = z.infer<typeof pluginSchema>;

/** Plugins by name, as the root file and service files register them. */
export function pluginRegistry() {
  return named(pluginSchema, 'an object of named plugins');
}
