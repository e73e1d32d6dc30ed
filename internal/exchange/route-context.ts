import type { FilterChain } from './filter.ts';
import type { Action } from './exchange.ts';

/** What a compiled route knows; shared by all exchanges that take it. */
export interface RouteContext {
  /** `service:index`. */
  readonly id: string;
  /** The domain pattern as configured, or empty. */
  readonly domainPattern: string;
  /** The path patterns as configured. */
  readonly pathPatterns: readonly string[];
  /** What `*` and `**` of the domain pattern stand for in a host. */
  captures(host: string): DomainCaptures;
  /** The path pattern that matches, as configured; empty when the route has none. */
  matchedPath(path: string): string;
  readonly action: Action;
  /** Null when nothing is to be run. */
  readonly filters: FilterChain | null;
}

/** What the wildcards of a domain pattern matched. */
export interface DomainCaptures {
  /** The values of all `*`, joined with `.`. */
  readonly domain: string;
  /** The value of `**`. */
  readonly glob: string;
}
