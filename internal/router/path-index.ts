import type { PathRules } from '../message/index.ts';
import { MethodTable, NO_ROUTE } from './method-table.ts';
import { parsePathAlternative } from './path-pattern.ts';

/** A segment of the prefix tree; `table` has the routes whose prefix ends here. */
class PrefixNode {
  /** The lowest index in this node and below. A branch is skipped if a better route is already known. */
  first = NO_ROUTE;
  table: MethodTable | null = null;
  children: Map<string, PrefixNode> | null = null;
}

/**
 * The routes of one domain by path: exact paths in a map, prefixes in a tree of segments. Neither the number of routes
 * nor a path with thousands of segments makes a lookup long, because the walk ends where the configured prefixes end.
 */
export class PathIndex {
  /** The lowest index of the domain. */
  first = NO_ROUTE;
  /**
   * The first route with neither path nor methods. Most domains consist of one such route, so it is found without a
   * table.
   */
  #always = NO_ROUTE;
  /** Routes with methods but without a path. */
  #whole: MethodTable | null = null;
  #exact: Map<string, MethodTable> | null = null;
  #prefixes: PrefixNode | null = null;

  /** Adds a route. `paths` are alternatives, empty for all paths. Indexes must be added in rising order. */
  add(index: number, paths: readonly string[], methods: readonly string[], rules: PathRules): void {
    // Parsed before the early return, so that a malformed path is reported even if it can never match.
    const alternatives = paths.map((path) => parsePathAlternative(path, rules));
    if (this.#always !== NO_ROUTE) return;
    if (this.first === NO_ROUTE) this.first = index;
    if (paths.length === 0 && methods.length === 0) this.#always = index;
    else if (paths.length === 0) (this.#whole ??= new MethodTable()).add(index, methods);
    for (const { literal, prefix } of alternatives) {
      (prefix ? this.#prefixTable(literal, index) : this.#exactTable(literal)).add(index, methods);
    }
  }

  /** Returns the lower one of `best` and the first route of the domain for a normalised path and a method. */
  find(path: string, method: string, best: number): number {
    let found = this.#always < best ? this.#always : best;
    if (this.#whole !== null) found = this.#whole.find(method, found);
    if (this.#exact !== null) {
      const table = this.#exact.get(path);
      if (table !== undefined) found = table.find(method, found);
    }
    if (this.#prefixes !== null && this.#prefixes.first < found)
      found = findPrefix(this.#prefixes, path, method, found);
    return found;
  }

  #exactTable(literal: string): MethodTable {
    this.#exact ??= new Map();
    let table = this.#exact.get(literal);
    if (table === undefined) {
      table = new MethodTable();
      this.#exact.set(literal, table);
    }
    return table;
  }

  #prefixTable(literal: string, index: number): MethodTable {
    let node = (this.#prefixes ??= new PrefixNode());
    if (node.first === NO_ROUTE) node.first = index;
    for (const segment of literal
      .slice(1, -1)
      .split('/')
      .slice(literal === '/' ? 1 : 0)) {
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = new PrefixNode();
        child.first = index;
        node.children.set(segment, child);
      }
      node = child;
    }
    return (node.table ??= new MethodTable());
  }
}

/** Every node on the way down is a prefix that ends with the slash before the current position. */
function findPrefix(root: PrefixNode, path: string, method: string, best: number): number {
  if (path.charCodeAt(0) !== 47) return best;
  let found = best;
  let node = root;
  let start = 1;
  for (;;) {
    if (node.table !== null) found = node.table.find(method, found);
    if (node.children === null) return found;
    const slash = path.indexOf('/', start);
    if (slash < 0) return found;
    const child = node.children.get(path.slice(start, slash));
    if (child === undefined || child.first >= found) return found;
    node = child;
    start = slash + 1;
  }
}
