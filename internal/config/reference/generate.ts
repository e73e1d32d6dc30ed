import type { FeatureSchema } from '../feature.ts';
import { jsonSchema } from '../json-schema.ts';
import { renderMiddlewares, renderReference } from './render.ts';

/** What is written by hand of the generated pages: the files prose.md and middlewares.md beside this one. */
export interface Prose {
  readonly reference: string;
  readonly middlewares: string;
}

/** The generated files, by their paths from the root of the repository. */
export function generateDocs(prose: Prose, features: readonly FeatureSchema[]): Readonly<Record<string, string>> {
  return {
    'docs/config.md': renderReference(prose.reference, features),
    'docs/middlewares/README.md': renderMiddlewares(prose.middlewares, features),
    'docs/schema/prox.schema.json': `${JSON.stringify(jsonSchema(features), null, 2)}\n`,
  };
}
