import type * as z from 'zod';
import { acmeDnsSchema, acmeSchema, acmeS3Schema } from '../schema/acme.ts';
import {
  dropSchema,
  passSchema,
  proxySchema,
  serveCacheSchema,
  serveSchema,
  staticSchema,
  upstreamTlsSchema,
} from '../schema/action.ts';
import type { FeatureSchema } from '../feature.ts';
import { keyNotes } from '../schema/field.ts';
import { limitsSchema } from '../schema/limits.ts';
import { matchSchema } from '../schema/match.ts';
import { resourceSchema } from '../schema/resource.ts';
import { externalPluginSchema } from '../schema/plugin.ts';
import { resolverSchema } from '../schema/resolver.ts';
import { adminSchema, loggingSchema, rootSchema, rotateSchema } from '../schema/root.ts';
import { balancerSchema, routeSchema, speedSchema } from '../schema/route.ts';
import { fragmentSchema, serviceSchema } from '../schema/service.ts';

/** The objects that the prose can ask a table of, by the word in its marker. */
const TABLES: Readonly<Record<string, z.ZodObject>> = {
  root: rootSchema,
  service: serviceSchema,
  fragment: fragmentSchema,
  limits: limitsSchema,
  route: routeSchema,
  match: matchSchema,
  balancer: balancerSchema,
  speed: speedSchema,
  proxy: proxySchema,
  upstream_tls: upstreamTlsSchema,
  static: staticSchema,
  serve: serveSchema,
  serve_cache: serveCacheSchema,
  pass: passSchema,
  drop: dropSchema,
  resource: resourceSchema,
  logging: loggingSchema,
  rotate: rotateSchema,
  resolver: resolverSchema,
  plugin: externalPluginSchema,
  admin: adminSchema,
  acme: acmeSchema,
  acme_dns: acmeDnsSchema,
  acme_s3: acmeS3Schema,
};

/**
 * Renders docs/config.md: the prose, with each line `<!-- table: name -->` replaced by the table of that object's keys, and the line
 * `<!-- categories -->` by a section for each middleware.
 *
 * @throws Error for a marker that names no object, and when an object has no table
 */
export function renderReference(prose: string, features: readonly FeatureSchema[]): string {
  const missing = new Set(Object.keys(TABLES));
  const text = prose.replaceAll(
    /^<!-- table: (\w+)(?: without ([\w, ]+))? -->$/gm,
    (_, name: string, without?: string) => {
      const schema = TABLES[name];
      if (schema === undefined) throw new Error(`the prose asks for the table of ${name}, which does not exist`);
      missing.delete(name);
      return renderTable(schema, new Set(without?.split(/,\s*/)));
    },
  );
  if (missing.size > 0) throw new Error(`the prose has no table of ${[...missing].join(', ')}`);
  if (!text.includes(CATEGORIES)) throw new Error(`the prose has no line ${CATEGORIES}`);
  return text.replace(CATEGORIES, () => features.map(renderCategory).join('\n\n'));
}

const CATEGORIES = '<!-- categories -->';

/**
 * Renders docs/middlewares/README.md: the prose, with the line `<!-- list of categories -->` replaced by a table of them.
 *
 * @throws Error when the prose does not have that line
 */
export function renderMiddlewares(prose: string, features: readonly FeatureSchema[]): string {
  if (!prose.includes(LIST)) throw new Error(`the prose has no line ${LIST}`);
  const rows = features.map(
    ({ category, schema }) => `| [${category}](${category}.md) | ${cell(String(schema.meta()?.description))} |`,
  );
  return prose.replace(LIST, () => ['| category | meaning |', '|---|---|', ...rows].join('\n'));
}

const LIST = '<!-- list of categories -->';

function renderCategory({ category, schema }: FeatureSchema): string {
  const meaning = String(schema.meta()?.description);
  return `### ${category}\n\n${meaning} [More](middlewares/${category}.md)\n\n${renderTable(schema, new Set())}`;
}

function renderTable(schema: z.ZodObject, without: ReadonlySet<string>): string {
  const rows = ['| key | type | default | meaning |', '|---|---|---|---|'];
  for (const [name, value] of Object.entries(schema.shape)) {
    if (without.has(name)) continue;
    const notes = keyNotes.get(value as z.ZodType);
    const meaning = (value as z.ZodType).meta()?.description;
    if (notes === undefined || meaning === undefined) throw new Error(`the key ${name} has no notes`);
    const fallback = notes.required ? '**required**' : (notes.default ?? '');
    rows.push(`| \`${name}\` | ${cell(notes.type)} | ${cell(fallback)} | ${cell(meaning)} |`);
  }
  return rows.join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
