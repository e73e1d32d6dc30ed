/** A JSON Schema, or a part of one. */
export type JsonSchema = Record<string, unknown>;

/**
 * Gives the definitions of a JSON Schema the form that editors make the most of, without changing what they allow:
 *
 * - A choice by `type` becomes a row of `if` and `then`, below a `type` that lists every kind. An editor then offers all
 *   kinds, offers the keys of the chosen one alone, and lists every kind for one that does not exist; of a `oneOf` it shows
 *   whichever branch comes first.
 * - A text or an object, such as a name or the thing itself, becomes a choice by the kind of the value, so that an object
 *   is measured by the branch for objects.
 * - A row of types becomes alternatives, as strict validators want one type for each schema.
 *
 * @param definitions changed in place
 * @param plugin which definition is the choice of plugins by `category`
 */
export function shapeForEditors(definitions: Record<string, JsonSchema>, plugin: PluginChoice): void {
  for (const definition of Object.values(definitions)) visit(definition, definitions);
  definitions[plugin.definition] = pluginChoice(plugin, definitions);
}

/** What an entry of `plugins` may be. */
export interface PluginChoice {
  /** Name of the definition. */
  readonly definition: string;
  /** References to objects with a `category`. */
  readonly branches: readonly JsonSchema[];
  /** What an entry without a `category` is. */
  readonly otherwise: JsonSchema;
}

function pluginChoice({ branches, otherwise }: PluginChoice, definitions: Definitions): JsonSchema {
  const { type, properties, allOf } = choiceOf('category', branches, definitions);
  return {
    description: 'A middleware, by its `category`; or a program or a module of your own, by its `path`.',
    type,
    properties,
    ...conditional({ properties: { category: true }, required: ['category'] }, { allOf }),
    else: otherwise,
  };
}

type Definitions = Readonly<Record<string, JsonSchema>>;

function visit(schema: JsonSchema, definitions: Definitions): void {
  for (const value of Object.values(schema)) {
    if (Array.isArray(value)) {
      for (const each of value) if (isSchema(each)) visit(each, definitions);
    } else if (isSchema(value)) visit(value, definitions);
  }
  chooseByType(schema, definitions);
  chooseByKind(schema);
  separateTypes(schema);
}

function chooseByType(schema: JsonSchema, definitions: Definitions): void {
  const { oneOf, description, ...rest } = schema;
  if (!Array.isArray(oneOf)) return;
  for (const key of Object.keys(schema)) delete schema[key];
  Object.assign(schema, rest, { description }, choiceOf('type', oneOf as readonly JsonSchema[], definitions));
}

/** An object that is one of several kinds, told apart by the constant of a key. */
function choiceOf(key: string, branches: readonly JsonSchema[], definitions: Definitions): JsonSchema {
  const kinds = branches.map((branch) => kindOf(key, branch, definitions));
  if (!kinds.every((kind) => kind !== null)) throw new Error(`every branch of a choice is an object with a \`${key}\``);
  for (const { own, type, meaning } of kinds) own['description'] = `\`${type}\`: ${meaning}`;
  return {
    type: 'object',
    required: [key],
    properties: {
      [key]: {
        type: 'string',
        enum: kinds.map(({ type }) => type),
        description: kinds.map(({ type, meaning }) => `\`${type}\`: ${meaning}`).join(' '),
      },
    },
    allOf: kinds.map(({ type, branch }) =>
      conditional({ properties: { [key]: { const: type } }, required: [key] }, branch),
    ),
  };
}

interface Kind {
  readonly type: string;
  readonly meaning: string;
  readonly branch: JsonSchema;
  /** The key of its definition that tells it apart. */
  readonly own: JsonSchema;
}

function kindOf(key: string, branch: JsonSchema, definitions: Definitions): Kind | null {
  const { $ref } = branch;
  const definition = typeof $ref === 'string' ? definitions[$ref.replace('#/definitions/', '')] : undefined;
  const properties = definition?.['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  const own = properties?.[key];
  const type = own?.['const'];
  if (own === undefined || typeof type !== 'string') return null;
  return { type, meaning: String(definition?.['description']), branch, own };
}

function conditional(condition: JsonSchema, then: JsonSchema): JsonSchema {
  /* oxlint-disable-next-line unicorn/no-thenable -- JSON Schema calls it so, and nothing awaits it. */
  return { if: { type: 'object', ...condition }, then };
}

function chooseByKind(schema: JsonSchema): void {
  const { anyOf } = schema;
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return;
  const [text, other] = anyOf as [JsonSchema, JsonSchema];
  if (text['type'] !== 'string' || typeof other['$ref'] !== 'string') return;
  // The alternatives stay, so that an editor offers both, and tells of a value that is neither.
  schema['anyOf'] = [text, { type: 'object' }];
  Object.assign(schema, conditional({}, other));
}

function separateTypes(schema: JsonSchema): void {
  const { type } = schema;
  if (!Array.isArray(type)) return;
  delete schema['type'];
  schema['anyOf'] = type.map((each: unknown) => ({ type: each }));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null;
}
