import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import type { Document } from '../document.ts';
import { routeEntrySchema } from '../schema/route.ts';
import type { PluginKinds } from '../schema/plugin.ts';
import { fragmentSchema } from '../schema/service.ts';
import type { Findings } from './findings.ts';
import { explainUnknownKey } from './unknown-key.ts';

type Issue = z.core.$ZodIssue;

/** Routes that are validated before others may use the event loop: about ten milliseconds. */
const ROUTES_AT_A_TIME = 1000;

/**
 * Validates a document against a schema and files every issue as a problem with its position.
 *
 * Routes are taken out and validated one by one. The validator copies its input. The copy of one route can be freed at once;
 * to collect a copy of all of them costs more than to make it. And other work can run in between.
 *
 * Each plugin is validated against the schema of its category, which `schema` does not know.
 */
export async function checkShape(
  document: Document,
  schema: z.ZodType,
  findings: Findings,
  kinds: PluginKinds,
): Promise<void> {
  const checker = new ShapeChecker(document, findings);
  const { shell, lists } = cutRoutes(document.value);
  checker.check(schema, shell, []);
  for (const [name, entry] of Object.entries(pluginEntries(document.value))) {
    checker.check(kinds.schemaOf(entry), entry, ['plugins', name]);
  }
  for (const { path, routes } of lists) {
    for (let index = 0; index < routes.length; index++) {
      if (index % ROUTES_AT_A_TIME === 0) await setImmediate();
      checker.check(routeEntrySchema, routes[index], path, index);
    }
  }
}

/** The plugins that a root file or a service file declares. */
export function pluginEntries(value: unknown): Readonly<Record<string, unknown>> {
  const plugins = isObject(value) ? (value as { readonly plugins?: unknown }).plugins : undefined;
  return isObject(plugins) && !Array.isArray(plugins) ? (plugins as Record<string, unknown>) : {};
}

interface RouteList {
  readonly path: readonly PropertyKey[];
  readonly routes: readonly unknown[];
}

/** Takes every list of routes out of a root file, a service file or a file of routes. */
function cutRoutes(value: unknown): { readonly shell: unknown; readonly lists: readonly RouteList[] } {
  const lists: RouteList[] = [];
  const cut = (part: unknown, path: readonly PropertyKey[]): unknown => {
    if (!isObject(part)) return part;
    if (Array.isArray(part)) {
      lists.push({ path, routes: part });
      return [];
    }
    const { routes } = part as { readonly routes?: unknown };
    return Array.isArray(routes) ? { ...part, routes: cut(routes, [...path, 'routes']) } : part;
  };
  const shell = cut(value, []);
  const services = isObject(shell) ? (shell as { readonly services?: unknown }).services : undefined;
  if (!isObject(services) || Array.isArray(services)) return { shell, lists };
  const entries = Object.entries(services).map(([name, service]) => [
    name,
    Array.isArray(service) ? service : cut(service, ['services', name]),
  ]);
  return { shell: { ...(shell as object), services: Object.fromEntries(entries) }, lists };
}

class ShapeChecker {
  readonly #document: Document;
  readonly #findings: Findings;
  readonly #remarked: ReadonlySet<number>;

  constructor(document: Document, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
    this.#remarked = new Set(document.remarks.map((remark) => remark.node));
  }

  /** Validates the part of the document at `path`, or the element `index` of the list there. */
  check(schema: z.ZodType, value: unknown, path: readonly PropertyKey[], index?: number): void {
    const result = schema.safeParse(value);
    if (result.success) return;
    const base = index === undefined ? path : [...path, index];
    this.#fileAll(result.error.issues, { schema, value, base }, []);
  }

  /** A misspelt key is one mistake: it is reported at the misspelt key, and not as missing, too. */
  #fileAll(issues: readonly Issue[], part: Part, outer: readonly PropertyKey[]): void {
    const meant = new Set<string>();
    for (const issue of issues) {
      if (issue.code !== 'unrecognized_keys') continue;
      const inPart = [...outer, ...issue.path];
      const owner = schemaAt(part.schema, inPart, part.value);
      for (const name of issue.keys) {
        const key = explainUnknownKey(owner, name).meant;
        if (key !== null) meant.add(placeKey([...inPart, key]));
      }
    }
    for (const issue of issues) {
      const inPart = [...outer, ...issue.path];
      const isMissing = issue.path.length > 0 && valueAt(part.value, inPart) === undefined;
      const excused = meant.has(placeKey(inPart)) || meant.has(placeKey([...inPart.slice(0, -1), '*']));
      if (isMissing && excused) this.#break([...part.base, ...inPart]);
      else this.#file(issue, part, outer);
    }
  }

  #break(path: readonly PropertyKey[]): number {
    const { node } = this.#document.follow(0, path);
    this.#findings.breakNode(this.#document, node);
    return node;
  }

  #file(issue: Issue, part: Part, outer: readonly PropertyKey[]): void {
    const findings = this.#findings;
    const document = this.#document;
    const inPart = [...outer, ...issue.path];
    const path = [...part.base, ...inPart];
    if (issue.code === 'unrecognized_keys') {
      findings.noteUnknownKey(document, document.follow(0, path).node);
      for (const name of issue.keys) {
        findings.add(document, 0, unknownKey(part.schema, inPart, part.value, name), [...path, name], true);
      }
      return;
    }
    const meant = meantBranch(issue, part.value, inPart);
    if (meant !== null) {
      this.#fileAll(meant, part, inPart);
      return;
    }
    const node = this.#break(path);
    // NaN was already reported, with a message of its own.
    if (this.#remarked.has(node) && issue.code === 'invalid_type') return;
    const atKey = issue.code === 'custom' && issue.params?.['atKey'] === true;
    findings.add(document, 0, issue.message, path, atKey);
  }
}

/** What is validated in one go: `base` is its path in the document. */
interface Part {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly base: readonly PropertyKey[];
}

/**
 * The issues of the branch of a union that the author meant: an object means the branch for objects. Null when no branch
 * fits the kind of the value, and the union's own message is the one to show.
 */
function meantBranch(issue: Issue, root: unknown, path: readonly PropertyKey[]): readonly Issue[] | null {
  if (issue.code !== 'invalid_union' || !isObject(valueAt(root, path))) return null;
  return (
    issue.errors.find((branch) => !branch.some((each) => each.path.length === 0 && each.code === 'invalid_type')) ??
    null
  );
}

function unknownKey(schema: z.ZodType, path: readonly PropertyKey[], root: unknown, name: string): string {
  const owner = schemaAt(schema, path, root);
  if (owner === fragmentSchema && name === 'services') {
    return 'unknown key `services`: a service file holds one service, and refers to no further ones';
  }
  return explainUnknownKey(owner, name).message;
}

function placeKey(path: readonly PropertyKey[]): string {
  return path.map(String).join('\0');
}

/** The schema of the value at a path, unions resolved by the values on the way. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], root: unknown): z.ZodType | null {
  let at: z.ZodType | null = resolve(schema, root);
  let value = root;
  for (const step of path) {
    value = isObject(value) ? (value as Record<PropertyKey, unknown>)[step] : undefined;
    let next: unknown = null;
    if (at instanceof z.ZodObject) next = at.shape[String(step)];
    else if (at instanceof z.ZodRecord) next = at.valueType;
    else if (at instanceof z.ZodArray) next = at.element;
    if (!(next instanceof z.ZodType)) return null;
    at = resolve(next, value);
  }
  return at;
}

function resolve(schema: z.ZodType, value: unknown): z.ZodType | null {
  if (schema instanceof z.ZodOptional) return resolve(schema.unwrap() as z.ZodType, value);
  if (!(schema instanceof z.ZodUnion)) return schema;
  const options = (schema.options as readonly z.ZodType[]).map((option) => resolve(option, value));
  if (!(schema instanceof z.ZodDiscriminatedUnion)) {
    const fits = (each: z.ZodType | null): boolean =>
      Array.isArray(value) ? each instanceof z.ZodArray : each instanceof z.ZodObject || each instanceof z.ZodRecord;
    return options.find(fits) ?? null;
  }
  const type = (value as Record<string, unknown>)['type'];
  const chosen = options.find((each) => each instanceof z.ZodObject && each.shape['type'].safeParse(type).success);
  return chosen ?? null;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) value = isObject(value) ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
