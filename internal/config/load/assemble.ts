import { basename, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type * as z from 'zod';
import type { Document } from '../document.ts';
import { formatPosition } from '../problem.ts';
import type { PluginKinds } from '../schema/plugin.ts';
import { rootSchema } from '../schema/root.ts';
import { includeListSchema, includeObjectSchema } from '../schema/route.ts';
import { fragmentSchema } from '../schema/service.ts';
import { checkShape, pluginEntries } from './check-shape.ts';
import type { Findings } from './findings.ts';
import type { Reference, Sources } from './sources.ts';
import { dropUnset } from './unset-values.ts';

/** A value as written, and where. Its shape is checked only where the findings do not call it broken. */
export interface Written {
  readonly document: Document;
  readonly node: number;
  readonly value: unknown;
}

/** A service as written, its includes spliced in. */
export interface WrittenService extends Written {
  readonly name: string;
  readonly routes: readonly Written[];
}

/** The values of all files, put together but not yet built. */
export interface Project {
  readonly root: Document | null;
  readonly services: readonly WrittenService[];
  readonly actions: ReadonlyMap<string, Written>;
  readonly resources: ReadonlyMap<string, Written>;
  readonly plugins: ReadonlyMap<string, Written>;
}

/** Limit for included files. Includes of includes multiply: a short chain of files can ask for billions. */
const MAX_ROUTES = 1_000_000;
const MAX_INCLUDES = 10_000;

/** Reads a config file, or a folder of service files, with everything that it refers to. */
export async function assemble(path: string, sources: Sources, kinds: PluginKinds): Promise<Project> {
  return new Assembler(sources, kinds).assemble(path);
}

class Assembler {
  readonly #sources: Sources;
  readonly #kinds: PluginKinds;
  readonly #findings: Findings;
  readonly #services = new Map<string, WrittenService>();
  readonly #actions = new Map<string, Written>();
  readonly #resources = new Map<string, Written>();
  readonly #plugins = new Map<string, Written>();
  readonly #checked = new Map<Document, z.ZodType>();

  constructor(sources: Sources, kinds: PluginKinds) {
    this.#sources = sources;
    this.#kinds = kinds;
    this.#findings = sources.findings;
  }

  async assemble(path: string): Promise<Project> {
    const absolute = resolve(path);
    const stats = await this.#sources.stat(absolute, null);
    let root: Document | null = null;
    if (stats?.isDirectory()) {
      const names = await this.#folder(absolute, null);
      if (names === 0)
        this.#findings.addToFile(absolute, 'the folder holds no service file; expected at least one `.json5` file');
    } else if (stats !== null) {
      root = await this.#sources.document(absolute, null);
      if (root !== null && isService(root.value)) {
        this.#findings.add(
          root,
          0,
          'this is a service file: serve its folder, or name it in the `services` of a root file',
        );
        root = null;
      }
      if (root !== null) await this.#root(root);
    }
    return {
      root,
      services: [...this.#services.values()],
      actions: this.#actions,
      resources: this.#resources,
      plugins: this.#plugins,
    };
  }

  async #root(root: Document): Promise<void> {
    await this.#check(root, rootSchema);
    this.#pool(root);
    const node = root.member(0, 'services');
    const services = isObject(root.value) ? root.value['services'] : undefined;
    if (node < 0 || !isObject(services)) return;
    for (const [name, child] of root.members(node)) {
      const value = services[name];
      if (typeof value === 'string') {
        if (this.#findings.isBroken(root, child)) continue;
        await this.#reference(name, resolve(root.folder, value), { document: root, node: child });
      } else if (isObject(value)) await this.#service(name, { document: root, node: child, value });
    }
  }

  /** A path as a service: a file is one service, a folder one for each of its files. */
  async #reference(name: string, path: string, reference: Reference): Promise<void> {
    const stats = await this.#sources.stat(path, reference);
    if (stats?.isDirectory()) await this.#folder(path, reference);
    else if (stats !== null) await this.#fragment(name, path, reference);
  }

  async #folder(path: string, reference: Reference | null): Promise<number> {
    const names = await this.#sources.folder(path, reference);
    for (const name of names) await this.#fragment(basename(name, '.json5'), join(path, name), reference);
    return names.length;
  }

  async #fragment(name: string, path: string, reference: Reference | null): Promise<void> {
    const document = await this.#sources.document(path, reference);
    if (document === null) return;
    await this.#check(document, fragmentSchema);
    this.#pool(document);
    if (isObject(document.value)) await this.#service(name, { document, node: 0, value: document.value });
  }

  async #service(name: string, written: Written): Promise<void> {
    const { document, node, value } = written;
    const twin = this.#services.get(name);
    if (twin !== undefined) {
      this.#findings.add(
        document,
        node,
        `the service \`${name}\` exists already, at ${place(twin)}; expected another name`,
      );
      return;
    }
    const list = (value as Record<string, unknown>)['routes'];
    const routes: Written[] = [];
    const listNode = document.member(node, 'routes');
    // The name is claimed before the includes are read: of several definitions, the first in the order of the text counts.
    this.#services.set(name, { ...written, name, routes });
    if (!Array.isArray(list)) return;
    const splice: Splice = { routes, includes: 0 };
    await this.#routes(splice, { document, node: listNode, value: list }, [document.file]);
  }

  async #routes(splice: Splice, list: Written, chain: readonly string[]): Promise<void> {
    const { document } = list;
    const nodes = document.children(list.node);
    const values = list.value as readonly unknown[];
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      const node = nodes[index];
      if (splice.routes.length >= MAX_ROUTES || splice.includes > MAX_INCLUDES) {
        this.#findings.add(
          document,
          node,
          `the service has more than ${MAX_ROUTES} routes or ${MAX_INCLUDES} includes`,
        );
        return;
      }
      if (typeof value === 'string') await this.#include(splice, { document, node, value }, chain);
      else splice.routes.push({ document, node, value });
    }
  }

  async #include(splice: Splice, include: Written, chain: readonly string[]): Promise<void> {
    splice.includes++;
    if (this.#findings.isBroken(include.document, include.node)) return;
    const path = resolve(include.document.folder, include.value as string);
    if (chain.includes(path)) {
      const circle = [...chain.slice(chain.indexOf(path)), path].map((file) => basename(file)).join(' → ');
      this.#findings.add(include.document, include.node, `the includes go in a circle: ${circle}`);
      return;
    }
    const document = await this.#sources.document(path, include);
    if (document === null) return;
    const isList = Array.isArray(document.value);
    await this.#check(document, isList ? includeListSchema : includeObjectSchema);
    const list = isList ? document.value : isObject(document.value) ? document.value['routes'] : undefined;
    if (!Array.isArray(list)) return;
    const node = isList ? 0 : document.member(0, 'routes');
    await this.#routes(splice, { document, node, value: list }, [...chain, path]);
  }

  /** Once for each document: a file of routes may be included many times. */
  async #check(document: Document, schema: z.ZodType): Promise<void> {
    if (this.#checked.get(document) === schema) return;
    this.#checked.set(document, schema);
    // Reading a large file blocks the event loop, so other work may run before the check.
    await setImmediate();
    dropUnset(document.value, schema);
    for (const entry of Object.values(pluginEntries(document.value))) dropUnset(entry, this.#kinds.schemaOf(entry));
    await checkShape(document, schema, this.#findings, this.#kinds);
  }

  /** Merges the actions, resources and plugins of a file into the shared ones. */
  #pool(document: Document): void {
    if (!isObject(document.value)) return;
    for (const [key, pool] of [
      ['actions', this.#actions],
      ['resources', this.#resources],
      ['plugins', this.#plugins],
    ] as const) {
      const values = document.value[key];
      const node = document.member(0, key);
      if (node < 0 || !isObject(values)) continue;
      for (const [name, child] of document.members(node)) {
        // The text may have a member `__proto__`, which the parsed value lacks.
        if (!Object.hasOwn(values, name)) continue;
        const twin = pool.get(name);
        if (twin === undefined) pool.set(name, { document, node: child, value: values[name] });
        else if (twin.document !== document) {
          const message = `the ${key.slice(0, -1)} \`${name}\` exists already, at ${place(twin)}; expected another name`;
          this.#findings.add(document, child, message, [], true);
        }
      }
    }
  }
}

interface Splice {
  readonly routes: Written[];
  includes: number;
}

function place({ document, node }: Written): string {
  return formatPosition(document.position(document.keyStartOf(node)));
}

/** Recognizes a service in place of a root file. Otherwise each of its keys would be reported as unknown. */
function isService(value: unknown): boolean {
  if (!isObject(value) || value['services'] !== undefined) return false;
  return value['listen'] !== undefined && value['routes'] !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
