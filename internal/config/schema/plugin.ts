import * as z from 'zod';
import type { FeatureSchema } from '../feature.ts';
import { didYouMean, nearest, suggestion } from '../value/nearest.ts';
import { describeValue, InvalidValue } from '../value/invalid-value.ts';
import { PLANNED_CATEGORIES } from '../value/planned.ts';
import { anyText, flag, key, named, object, oneOf, parsed, path } from './field.ts';

/** A plugin that runs outside of prox. */
export const externalPluginSchema = object(
  {
    path: key(
      path('a plugin'),
      { type: 'Path', required: true },
      'The plugin: a source file, a folder or an executable.',
    ),
    autostart: key(flag(), { type: 'bool', default: 'false' }, 'Start it with prox, although no route refers to it.'),
  },
  'a plugin: { path } or { category }',
).meta({ id: 'ExternalPlugin', description: 'A program or a module of your own.' });

export type RawExternalPlugin = z.infer<typeof externalPluginSchema>;

const remark = key(anyText('a text'), { type: 'string' }, 'A note for readers; prox ignores it.');

/**
 * The schema of an entry of one category: its own keys, `category` and `remark`.
 * @param meaning what the middleware does, in a sentence
 */
export function middleware<const C extends string, S extends z.core.$ZodLooseShape>(
  category: C,
  shape: S,
  meaning: string,
) {
  return object(
    {
      category: key(z.literal(category), { type: `\`"${category}"\``, required: true }, 'The kind of the plugin.'),
      ...shape,
      remark,
    },
    `a plugin: { category: "${category}" }`,
  ).meta({ id: `${pascalCase(category)}Plugin`, description: meaning });
}

/** When a middleware may run; see MIDDLEWARE_STEPS. */
export type MiddlewareStep = (typeof MIDDLEWARE_STEPS)[number];

/** In the order of time. */
const MIDDLEWARE_STEPS = ['early_request', 'request', 'proxy_upstream', 'upstream_response', 'response'] as const;

/**
 * The key `step` of a middleware that can run at several points of a request.
 * @param allowed the first is the default
 */
export function stepKey<const S extends readonly [MiddlewareStep, ...MiddlewareStep[]]>(allowed: S, meaning: string) {
  const words = allowed.map((step) => `"${step}"`).join(' or ');
  const schema = oneOf(allowed, (value) => {
    if (!(MIDDLEWARE_STEPS as readonly unknown[]).includes(value)) return null;
    return `the step "${String(value)}" does not fit here: expected ${words}`;
  });
  return key(schema, { type: allowed.map((step) => `\`${step}\``).join(', '), default: allowed[0] }, meaning);
}

/** Plugins by name, as the root file and service files register them. The entries are checked one by one: see PluginKinds. */
export function pluginRegistry() {
  return named(pluginEntrySchema, 'an object of named plugins');
}

const pluginEntrySchema = z.unknown().meta({ id: 'Plugin' });

/** Chooses the schema of an entry of `plugins` by its `category`. */
export class PluginKinds {
  readonly features: readonly FeatureSchema[];
  readonly #byCategory: ReadonlyMap<string, FeatureSchema>;

  constructor(features: readonly FeatureSchema[]) {
    this.features = features;
    this.#byCategory = new Map(features.map((feature) => [feature.category, feature]));
  }

  get(category: string): FeatureSchema | undefined {
    return this.#byCategory.get(category);
  }

  /** The schema that an entry has to fit; that of an unknown category refuses the category alone. */
  schemaOf(entry: unknown): z.ZodType {
    const category = categoryOf(entry);
    if (category === undefined) return isNeither(entry) ? neitherSchema : externalPluginSchema;
    const feature = typeof category === 'string' ? this.get(category) : undefined;
    if (feature !== undefined) return feature.schema;
    return z.looseObject({ category: parsed(z.unknown(), () => this.#refuse(category)) });
  }

  #refuse(category: unknown): never {
    const known = [...this.#byCategory.keys()];
    if (typeof category !== 'string')
      throw new InvalidValue(`expected a category, found ${describeValue(category)}${suggestion('', known, 'known')}`);
    if (PLANNED_CATEGORIES.includes(category)) throw new InvalidValue(`the category \`${category}\` is not built yet`);
    const hint = didYouMean(category, [...new Set([...known, ...PLANNED_CATEGORIES])]);
    throw new InvalidValue(
      `there is no category \`${category}\`${hint === '' ? suggestion(category, known, 'known categories') : hint}`,
    );
  }
}

/** An object that does not say what kind of plugin it is, and has no key that `path` may have been meant by. */
function isNeither(entry: unknown): boolean {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return false;
  return !Object.keys(entry).some((name) => ['path', 'autostart'].includes(nearest(name, KIND_KEYS) ?? ''));
}

const KIND_KEYS = ['category', 'path', 'autostart'];

const neitherSchema = z.looseObject({}).check((context) => {
  const slip = Object.keys(context.value).find((name) => nearest(name, KIND_KEYS) === 'category');
  const message =
    slip === undefined
      ? 'expected `category` (a middleware) or `path` (a program or a module), found neither'
      : `unknown key \`${slip}\`; did you mean \`category\`?`;
  const path = slip === undefined ? [] : [slip];
  context.issues.push({ code: 'custom', input: context.value, path, params: { atKey: slip !== undefined }, message });
});

/** The category of an entry as written; undefined for an external plugin. */
export function categoryOf(entry: unknown): unknown {
  const isObject = typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  return isObject ? (entry as { readonly category?: unknown }).category : undefined;
}

function pascalCase(words: string): string {
  return words.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
