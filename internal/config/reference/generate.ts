import { jsonSchema } from '../json-schema.ts';
import { renderReference } from './render.ts';

/** The generated files, by their paths from the root of the repository. */
export function generateDocs(prose: string): Readonly<Record<string, string>> {
  return {
    'docs/config.md': renderReference(prose),
    'docs/schema/prox.schema.json': `${JSON.stringify(jsonSchema(), null, 2)}\n`,
  };
}
