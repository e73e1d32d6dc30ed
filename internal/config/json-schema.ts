import * as z from 'zod';
import type { FeatureSchema } from './feature.ts';
import { type JsonSchema, shapeForEditors } from './schema-for-editors.ts';
import { keyNotes } from './schema/field.ts';
import { externalPluginSchema } from './schema/plugin.ts';
import { rootSchema } from './schema/root.ts';
import { includeListSchema, includeObjectSchema } from './schema/route.ts';
import { fragmentSchema } from './schema/service.ts';

/**
 * The JSON Schema (draft 7, which editors know best) of every kind of config file: a root file, a service file, a file of
 * routes. Which one a file is follows from what is in it, so that one address serves for `$schema` everywhere.
 * @param features the middlewares that `plugins` may declare
 */
export function jsonSchema(features: readonly FeatureSchema[]): Record<string, unknown> {
  const kinds = z.strictObject({
    root: rootSchema,
    service: fragmentSchema,
    list: includeListSchema,
    routes: includeObjectSchema,
    plugins: z.union([externalPluginSchema, ...features.map(({ schema }) => schema)]),
  });
  const { definitions = {} } = z.toJSONSchema(kinds, { target: 'draft-7', io: 'input', override: addDefault });
  shapeForEditors(definitions as Record<string, JsonSchema>, {
    definition: 'Plugin',
    branches: features.map(({ schema }) => reference(String(schema.meta()?.id))),
    otherwise: reference(String(externalPluginSchema.meta()?.id)),
  });
  /* oxlint-disable unicorn/no-thenable -- JSON Schema requires the name, and no code awaits the object. */
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'prox configuration',
    if: { type: 'array' },
    then: reference('RouteList'),
    else: {
      if: has('services'),
      then: reference('Root'),
      else: {
        if: has('listen'),
        then: reference('ServiceFragment'),
        else: { if: has('routes'), then: reference('RouteInclude'), else: reference('Root') },
      },
    },
    definitions,
  };
}

function has(key: string): JsonSchema {
  return { type: 'object', properties: { [key]: true }, required: [key] };
}

function reference(id: string): { readonly $ref: string } {
  return { $ref: `#/definitions/${id}` };
}

/** Editors show the description when the mouse rests on a key: the default belongs into it. */
function addDefault({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodType;
  jsonSchema: Record<string, unknown>;
}): void {
  const notes = keyNotes.get(zodSchema as z.ZodType);
  if (notes?.default === undefined) return;
  // Of a key with the meaning of its type, the schema library leaves the description out.
  const meaning = (zodSchema as z.ZodType).meta()?.description;
  jsonSchema['description'] = `${meaning} Default: ${notes.default}.`;
  const value = defaultValue(notes.default, jsonSchema);
  if (value !== undefined) jsonSchema['default'] = value;
}

/** The default as a value, where the words of the reference are one; editors insert it. */
function defaultValue(text: string, { enum: words }: Record<string, unknown>): unknown {
  if (/^(?:true|false|\d+)$/.test(text)) return JSON.parse(text);
  const isWord = Array.isArray(words) && words.includes(text);
  return isWord || /^\d+(?:ms|s|m|h)$/.test(text) ? text : undefined;
}
