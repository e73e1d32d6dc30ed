import type { LabelPattern, MatchConfig } from '../config/index.ts';
import { DEFAULT_PATH_RULES, type PathRules } from '../message/index.ts';
import { DomainIndex, findInPaths, type Query } from './domain-index.ts';
import { MAX_HOST_LENGTH, parseDomain } from './domain-pattern.ts';
import { NO_ROUTE } from './method-table.ts';
import { PathIndex } from './path-index.ts';

/** A route to compile: its match, null for everything, and the value that the router returns for it. */
export interface Route<T> {
  readonly match: MatchConfig | null;
  readonly value: T;
}

/** The first route for a host while only the host is known. */
export interface HostMatch<T> {
  readonly value: T;
  /**
   * True if the host alone decides. False if the route also has a path or methods: the search ends at this route, but
   * only the request shows whether it applies, so the connection must be read further.
   */
  readonly decided: boolean;
}

/**
 * Finds the first route that matches domain, path and method. One router belongs to one generation and never changes.
 */
export interface Router<T> {
  /**
   * Returns the value of the first route that matches, or null. `host` is in the form of normalizeHost, empty if there
   * is none. `path` is in match form (`pathForms`), without the query. `method` is as received (case-sensitive, RFC
   * 9110 §9.1).
   */
  match(host: string, path: string, method: string): T | null;
  /**
   * Returns the first route whose domain matches: the search by SNI, before there is a request. A route without a
   * domain matches every host, also the empty one (a ClientHello without SNI, RFC 6066 §3).
   */
  matchHost(host: string): HostMatch<T> | null;
}

/**
 * Compiles routes in the order of the config. Whatever the number of routes, a lookup costs one map access for the
 * host, a short walk if there are wildcards, and the same within the paths of the domain. Throws ProxyError `internal`
 * for a pattern that the checks of the config should have refused.
 */
export function compileRouter<T>(routes: readonly Route<T>[], rules: PathRules = DEFAULT_PATH_RULES): Router<T> {
  return new CompiledRouter(routes, rules);
}

const NO_PATHS: readonly string[] = [];

/*
 * Every index returns the lowest number of a route that matches. It gets the best number so far, and skips whatever
 * cannot be lower. So the order of the config holds exactly, whichever index contains a route:
 *
 *       host ─┬─ #exact     map of whole hosts ───────────┐
 *             ├─ #tails     map of the text after `*.` ───┤
 *             ├─ #closed    tree from the last label ─────┼─> PathIndex ─> MethodTable ─> lowest route
 *             ├─ #open      tree from the first, for `**` ┤
 *             └─ #everyHost routes without a domain ──────┘
 *
 * `*.example.com` is by far the most common wildcard, and needs no splitting into labels. #tails exists for it.
 */
class CompiledRouter<T> implements Router<T> {
  readonly #routes: readonly Route<T>[];
  /** Kept apart from #routes, because a lookup then reads one object less. */
  readonly #values: readonly T[];
  readonly #exact = new Map<string, PathIndex>();
  readonly #tails = new Map<string, PathIndex>();
  #firstTail = NO_ROUTE;
  readonly #closed = new DomainIndex(false);
  readonly #open = new DomainIndex(true);
  readonly #everyHost = new PathIndex();
  readonly #query: Query = { labels: [], labelCount: 0, path: null, method: '' };

  constructor(routes: readonly Route<T>[], rules: PathRules) {
    this.#routes = routes;
    this.#values = routes.map((route) => route.value);
    const memo = new Map<string, LabelPattern>();
    for (const [index, { match }] of routes.entries()) {
      const domain = match?.domain ?? null;
      const paths = domain === null ? this.#everyHost : this.#pathsOf(domain.toLowerCase(), index, memo);
      paths.add(index, match?.paths ?? NO_PATHS, match?.methods ?? NO_PATHS, rules);
    }
  }

  match(host: string, path: string, method: string): T | null {
    this.#query.path = path;
    this.#query.method = method;
    const found = this.#find(host);
    return found === NO_ROUTE ? null : this.#values[found];
  }

  matchHost(host: string): HostMatch<T> | null {
    this.#query.path = null;
    const found = this.#find(host);
    if (found === NO_ROUTE) return null;
    const { match, value } = this.#routes[found];
    return { value, decided: match === null || (match.paths.length === 0 && match.methods.length === 0) };
  }

  #find(host: string): number {
    const query = this.#query;
    let found = NO_ROUTE;
    if (host.length <= MAX_HOST_LENGTH) {
      const paths = this.#exact.get(host);
      if (paths !== undefined) found = findInPaths(paths, query, found);
      if (this.#firstTail < found) found = this.#findTail(host, query, found);
      const closed = this.#closed.first < found;
      const open = this.#open.first < found;
      if ((closed || open) && splitLabels(host, query)) {
        if (closed) found = this.#closed.find(query, found);
        if (open) found = this.#open.find(query, found);
      }
    }
    return findInPaths(this.#everyHost, query, found);
  }

  #findTail(host: string, query: Query, best: number): number {
    const dot = host.indexOf('.');
    if (dot < 1) return best;
    const paths = this.#tails.get(host.slice(dot + 1));
    return paths === undefined ? best : findInPaths(paths, query, best);
  }

  #pathsOf(domain: string, index: number, memo: Map<string, LabelPattern>): PathIndex {
    if (!domain.includes('*')) return pathsIn(this.#exact, domain);
    const parsed = parseDomain(domain, memo);
    if (parsed.open) return this.#open.paths(parsed, index);
    const [head, ...tail] = parsed.labels;
    if (head?.kind === 'star' && tail.length > 0 && tail.every((label) => label.kind === 'text')) {
      if (this.#firstTail === NO_ROUTE) this.#firstTail = index;
      return pathsIn(this.#tails, domain.slice(2));
    }
    return this.#closed.paths(parsed, index);
  }
}

function pathsIn(map: Map<string, PathIndex>, key: string): PathIndex {
  let paths = map.get(key);
  if (paths === undefined) {
    paths = new PathIndex();
    map.set(key, paths);
  }
  return paths;
}

/**
 * Returns false if a label is empty, because no wildcard matches such a host. MAX_HOST_LENGTH limits the number of
 * labels.
 */
function splitLabels(host: string, query: Query): boolean {
  let count = 0;
  let start = 0;
  for (;;) {
    const dot = host.indexOf('.', start);
    const end = dot < 0 ? host.length : dot;
    if (end === start) return false;
    query.labels[count++] = host.slice(start, end);
    if (dot < 0) break;
    start = dot + 1;
  }
  query.labelCount = count;
  return true;
}
