import { parseStatuses, type PluginEntry, type StatusRange } from '../../config/index.ts';
import { parseType } from './condition.ts';
import { parseLine, parseRename, parseValue, type RawResponseHeaders } from './schema.ts';

/** A name and what goes with it: a value, or another name. */
export type Pair = readonly [name: string, other: string];

/** The changes that a plugin makes, in the order of these properties. */
export interface ResponseHeadersConfig {
  readonly add: readonly Pair[];
  readonly remove: readonly string[];
  readonly set: readonly Pair[];
  readonly setNotExists: readonly Pair[];
  readonly rename: readonly Pair[];
  /** Null keeps the status. */
  readonly status: number | null;
  /** Statuses of the responses to change; null for all. */
  readonly whenStatus: readonly StatusRange[] | null;
  /** See `parseType`; null for all. */
  readonly whenType: readonly string[] | null;
  /** True: changes only responses of upstreams, before the filters of `onResponse` see them. */
  readonly upstream: boolean;
}

export function buildResponseHeaders(raw: RawResponseHeaders, entry: PluginEntry): ResponseHeadersConfig {
  const config: ResponseHeadersConfig = {
    add: [
      ...(raw.add_headers ?? []).map(parseLine),
      ...Object.entries(raw.add ?? {}).flatMap(([name, value]) =>
        [value].flat().map((each): Pair => [name, parseValue(each)]),
      ),
    ],
    remove: [...(raw.remove_headers ?? []), ...(raw.remove ?? [])],
    set: [...(raw.set_headers ?? []).map(parseLine), ...valuesOf(raw.set)],
    setNotExists: [...(raw.set_headers_not_exists ?? []).map(parseLine), ...valuesOf(raw.not_exists)],
    rename: [...(raw.rename_headers ?? []).map(parseRename), ...Object.entries(raw.rename ?? {})],
    status: raw.status ?? null,
    whenStatus: raw.when?.status === undefined ? null : parseStatuses(raw.when.status),
    whenType: raw.when?.type === undefined ? null : parseType(raw.when.type),
    upstream: raw.mode === 'upstream',
  };
  const { add, remove, set, setNotExists, rename, status } = config;
  if ([add, remove, set, setNotExists, rename].every((each) => each.length === 0) && status === null)
    entry.reportMissing([], 'expected something to change: `set`, `add`, `remove`, `not_exists`, `rename` or `status`');
  checkOnce(entry, 'set', set);
  checkOnce(entry, 'not_exists', setNotExists);
  checkOnce(entry, 'rename', rename);
  return config;
}

function valuesOf(values: Readonly<Record<string, string>> = {}): Pair[] {
  return Object.entries(values).map(([name, value]) => [name, parseValue(value)]);
}

function checkOnce(entry: PluginEntry, key: keyof RawResponseHeaders, pairs: readonly Pair[]): void {
  const seen = new Set<string>();
  for (const [name] of pairs) {
    const lower = name.toLowerCase();
    if (seen.has(lower))
      entry.report([], `\`${name}\` stands twice under \`${key}\`: names are compared without case, and one would win`);
    seen.add(lower);
  }
}
