import type { FeatureSchema } from '../feature.ts';
import { jsonSchema } from '../json-schema.ts';
import { renderReference } from './render.ts';

/** The generated files, by their paths from the root of the repository. */
export function generateDocs(prose: string, features: readonly FeatureSchema[]): Readonly<Record<string, string>> {
  return {
    'docs/config.md': renderReference(prose, features),
    'docs/schema/prox.schema.json': `${JSON.stringify(jsonSchema(features), null, 2)}\n`,
  };
}
