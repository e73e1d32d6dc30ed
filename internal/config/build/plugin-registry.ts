import { resolve } from 'node:path';
import type { BuiltInPluginConfig, PluginConfig } from '../config.ts';
import type { FeatureSchema, PluginEntry } from '../feature.ts';
import type { Project, Written } from '../load/assemble.ts';
import type { Findings } from '../load/findings.ts';
import { categoryOf, type PluginKinds, type RawExternalPlugin } from '../schema/plugin.ts';
import { PLANNED_READY_MADE } from '../value/planned.ts';
import { suggestion } from '../value/nearest.ts';

/** Prefixes of the names of ready-made plugins; the second is for configs from pingap. */
const PREFIX = 'prox:';
const PREFIXES = [PREFIX, 'pingap:'] as const;

/** What a name in a list of plugins refers to. */
export type PluginReference =
  /** `name` is the one that the config has it under. */
  | { readonly name: string; readonly problem: null }
  /** There is none; why, and what was probably meant. */
  | { readonly name: null; readonly problem: string };

/** The plugins of a config by name: those that are declared, and those that exist by themselves. */
export class PluginRegistry {
  readonly #declared: ReadonlyMap<string, Written>;
  readonly #findings: Findings;
  readonly #kinds: PluginKinds;
  readonly #readyMade: ReadonlyMap<string, ReadyMade>;
  readonly #built = new Map<string, PluginConfig>();

  constructor(project: Project, findings: Findings, kinds: PluginKinds) {
    this.#declared = project.plugins;
    this.#findings = findings;
    this.#kinds = kinds;
    this.#readyMade = new Map(
      kinds.features.flatMap((feature) =>
        Object.entries(feature.readyMade ?? {}).map(([name, fields]) => [name, { feature, fields }] as const),
      ),
    );
  }

  /** Builds every declared plugin, whether or not a route uses it. */
  buildDeclared(): void {
    for (const [name, written] of this.#declared) {
      const { document, node } = written;
      const reserved = PREFIXES.find((prefix) => name.startsWith(prefix));
      if (reserved !== undefined) {
        const message = `names that begin with \`${reserved}\` belong to ready-made plugins; expected another name`;
        this.#findings.add(document, node, message, [], true);
      } else if (!this.#findings.isBroken(document, node)) {
        const built = this.#build(name, written);
        if (built !== null) this.#built.set(name, built);
      }
    }
  }

  #build(name: string, written: Written): PluginConfig | null {
    const feature = this.#kinds.get(String(categoryOf(written.value)));
    if (feature !== undefined) return builtIn(feature, written.value, entryOf(name, written, this.#findings));
    const { path, autostart = false } = written.value as RawExternalPlugin;
    return Object.freeze({ category: null, path: resolve(written.document.folder, path), autostart });
  }

  /** Looks a name up; one of a ready-made plugin has that plugin built. */
  refer(name: string): PluginReference {
    if (this.#declared.has(name)) return { name, problem: null };
    const prefix = PREFIXES.find((each) => name.startsWith(each));
    if (prefix === undefined) return { name: null, problem: this.#unknown(name) };
    const bare = name.slice(prefix.length);
    const readyMade = this.#readyMade.get(bare);
    if (readyMade === undefined) return { name: null, problem: this.#unknownReadyMade(name, prefix, bare) };
    const own = PREFIX + bare;
    if (!this.#built.has(own)) this.#built.set(own, buildReadyMade(own, readyMade));
    return { name: own, problem: null };
  }

  /** True for a plugin that runs outside of prox: it may bring targets; this version does not run it. */
  isExternal(name: string): boolean {
    const written = this.#declared.get(name);
    return written === undefined ? !this.#built.has(name) : categoryOf(written.value) === undefined;
  }

  /** A plugin starts by itself, and may bring targets to any balancer. */
  get autostarts(): boolean {
    return [...this.#declared.values()].some(
      ({ value }) => (value as Partial<RawExternalPlugin> | null)?.autostart === true,
    );
  }

  /** What was built, by name. */
  configs(): Readonly<Record<string, PluginConfig>> {
    return Object.freeze(Object.fromEntries(this.#built));
  }

  #unknown(name: string): string {
    const known = [...this.#declared.keys()];
    return `no plugin \`${name}\` is registered in \`plugins\`, and it is no path${suggestion(name, known, 'registered')}`;
  }

  #unknownReadyMade(name: string, prefix: string, bare: string): string {
    const category = PLANNED_READY_MADE.get(bare);
    if (category !== undefined) return `\`${name}\` needs the category \`${category}\`, which is not built yet`;
    const known = [...this.#readyMade.keys()].map((each) => prefix + each);
    return `there is no ready-made plugin \`${name}\`${suggestion(name, known, 'ready-made')}`;
  }
}

interface ReadyMade {
  readonly feature: FeatureSchema;
  readonly fields: Readonly<Record<string, unknown>>;
}

function builtIn(feature: FeatureSchema, raw: unknown, entry: PluginEntry): BuiltInPluginConfig | null {
  const config = feature.build(raw, entry);
  return config === null ? null : Object.freeze({ category: feature.category, config: deepFreeze(config) });
}

/**
 * The fields are not the user's, so the user gets no warnings about them.
 * @throws Error when the feature refuses fields of its own: a fault of prox
 */
function buildReadyMade(name: string, { feature, fields }: ReadyMade): BuiltInPluginConfig {
  const refuse = (path: readonly PropertyKey[], message: string): never => {
    throw new Error(`the ready-made plugin ${name}: ${path.map(String).join('.')}: ${message}`);
  };
  const entry: PluginEntry = { name, report: refuse, reportMissing: refuse, warn: () => {}, absolute: resolve };
  const raw = feature.schema.parse({ category: feature.category, ...fields });
  const built = builtIn(feature, raw, entry);
  if (built === null) throw new Error(`the ready-made plugin ${name} cannot be built`);
  return built;
}

function entryOf(name: string, { document, node }: Written, findings: Findings): PluginEntry {
  const report = (path: readonly PropertyKey[], message: string): null => {
    findings.add(document, node, message, path);
    return null;
  };
  return {
    name,
    report,
    reportMissing: (path, message) => (findings.hasUnknownKey(document, node) ? null : report(path, message)),
    warn: (path, message) => findings.warn(document, node, message, path),
    absolute: (path) => resolve(document.folder, path),
  };
}

/** Typed arrays cannot be frozen; nothing writes to them. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}
