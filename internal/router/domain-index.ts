import type { LabelPattern, ParsedDomain } from '../config/index.ts';
import { NO_ROUTE } from './method-table.ts';
import { PathIndex } from './path-index.ts';

/** The request to look up. It is reused for the next request, so that a lookup allocates only its labels. */
export interface Query {
  /** The labels of the host from left to right; only the first `labelCount` are valid. */
  readonly labels: string[];
  labelCount: number;
  /** Null means that only the domain matters: the result is the first route of every domain that matches. */
  path: string | null;
  method: string;
}

/** Returns the first route of an index that the query matches, if it is lower than `best`; otherwise `best`. */
export function findInPaths(paths: PathIndex, query: Query, best: number): number {
  if (paths.first >= best) return best;
  return query.path === null ? paths.first : paths.find(query.path, query.method, best);
}

class DomainNode {
  /** The lowest index in this node and below. */
  first = NO_ROUTE;
  /** The routes whose pattern ends here. */
  paths: PathIndex | null = null;
  texts: Map<string, DomainNode> | null = null;
  star: DomainNode | null = null;
  affixes: AffixMap | null = null;
}

/**
 * Nodes by prefix and suffix of a label. A lookup tries the lengths that occur, and not one pattern after the other.
 */
class AffixMap {
  readonly bySuffix = new Map<string, { readonly lengths: number[]; readonly byPrefix: Map<string, DomainNode> }>();
  readonly suffixLengths: number[] = [];

  /** The node of a pair; creates it if it does not exist. */
  node(prefix: string, suffix: string): DomainNode {
    let group = this.bySuffix.get(suffix);
    if (group === undefined) {
      group = { lengths: [], byPrefix: new Map() };
      this.bySuffix.set(suffix, group);
      if (!this.suffixLengths.includes(suffix.length)) this.suffixLengths.push(suffix.length);
    }
    let node = group.byPrefix.get(prefix);
    if (node === undefined) {
      node = new DomainNode();
      group.byPrefix.set(prefix, node);
      if (!group.lengths.includes(prefix.length)) group.lengths.push(prefix.length);
    }
    return node;
  }
}

/**
 * The wildcard patterns of a router as a tree of labels. Patterns of fixed length are compared from the right end of
 * the host, where names differ most and a comparison fails soonest. Patterns that end with `**` are compared from the
 * left end, because their right end is open. The walk visits at most as many labels as the longest pattern has.
 */
export class DomainIndex {
  readonly #open: boolean;
  readonly #root = new DomainNode();

  /** @param open whether the patterns end with `**` */
  constructor(open: boolean) {
    this.#open = open;
  }

  /** The lowest index of all. */
  get first(): number {
    return this.#root.first;
  }

  /** The paths of a pattern; creates them if they do not exist. Indexes must be added in rising order. */
  paths(domain: ParsedDomain, index: number): PathIndex {
    let node = this.#root;
    if (node.first === NO_ROUTE) node.first = index;
    for (const label of this.#open ? domain.labels : domain.labels.toReversed()) {
      node = childFor(node, label);
      if (node.first === NO_ROUTE) node.first = index;
    }
    return (node.paths ??= new PathIndex());
  }

  /** Returns the lower one of `best` and the first route that the query matches. */
  find(query: Query, best: number): number {
    return this.#walk(this.#root, 0, query, best);
  }

  /** `depth` labels have been compared on the way to `node`. */
  #walk(node: DomainNode, depth: number, query: Query, best: number): number {
    const left = query.labelCount - depth;
    let found = best;
    if (node.paths !== null && (this.#open ? left > 0 : left === 0)) found = findInPaths(node.paths, query, found);
    if (left === 0) return found;
    const label = query.labels[this.#open ? depth : left - 1];
    if (node.texts !== null) {
      const child = node.texts.get(label);
      if (child !== undefined && child.first < found) found = this.#walk(child, depth + 1, query, found);
    }
    if (node.star !== null && node.star.first < found) found = this.#walk(node.star, depth + 1, query, found);
    if (node.affixes !== null) found = this.#walkAffixes(node.affixes, label, depth, query, found);
    return found;
  }

  #walkAffixes(affixes: AffixMap, label: string, depth: number, query: Query, best: number): number {
    let found = best;
    for (const suffixLength of affixes.suffixLengths) {
      if (suffixLength > label.length) continue;
      const group = affixes.bySuffix.get(label.slice(label.length - suffixLength));
      if (group === undefined) continue;
      for (const prefixLength of group.lengths) {
        if (prefixLength + suffixLength > label.length) continue;
        const child = group.byPrefix.get(label.slice(0, prefixLength));
        if (child !== undefined && child.first < found) found = this.#walk(child, depth + 1, query, found);
      }
    }
    return found;
  }
}

function childFor(node: DomainNode, label: LabelPattern): DomainNode {
  if (label.kind === 'star') return (node.star ??= new DomainNode());
  if (label.kind === 'affix') return (node.affixes ??= new AffixMap()).node(label.prefix, label.suffix);
  node.texts ??= new Map();
  let child = node.texts.get(label.text);
  if (child === undefined) {
    child = new DomainNode();
    node.texts.set(label.text, child);
  }
  return child;
}
