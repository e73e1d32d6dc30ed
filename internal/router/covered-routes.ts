import type { PathRules } from '../message/index.ts';
import { parseDomain } from './domain-pattern.ts';
import { parsePathAlternative } from './path-pattern.ts';
import { compileRouter, type Route } from './router.ts';

/** A route that no request reaches, and earlier routes that take its requests: the first ones that were found. */
export interface CoveredRoute {
  readonly index: number;
  readonly by: readonly number[];
}

/** The properties of a route that matter for coverage. */
export interface CoverableRoute extends Pick<Route<unknown>, 'match'> {
  /** Whether the host alone chooses it, before there is a request. */
  readonly byHost: boolean;
}

/**
 * A character that no pattern contains. In a request it represents any text that a wildcard may match: only patterns
 * with a wildcard at this place match it. So one request shows whether earlier routes cover the whole pattern.
 */
const ANY = '\u0001';

/**
 * Finds the routes that no request reaches, by asking the router for the requests for which each route is meant. Yields
 * null for each route that is reached, so that the caller can do other work between two routes.
 */
export function* findCoveredRoutes(
  routes: readonly CoverableRoute[],
  rules: PathRules,
): Generator<CoveredRoute | null> {
  const router = compileRouter(
    routes.map(({ match }, index) => ({ match, value: index })),
    rules,
  );
  const lengths = Math.max(0, ...routes.map(({ match }) => match?.domain?.split('.').length ?? 0)) + 1;
  for (const [index, { match, byHost }] of routes.entries()) {
    const by = new Set<number>();
    for (const request of requestsFor(match, lengths, rules)) {
      const first = byHost
        ? (router.matchHost(request.host)?.value ?? null)
        : router.match(request.host, request.path, request.method);
      // A host that exceeds the maximum length has no route at all.
      by.add(first ?? index);
      if (by.has(index)) break;
    }
    yield by.has(index) ? null : { index, by: [...by] };
  }
}

interface SampleRequest {
  readonly host: string;
  readonly path: string;
  readonly method: string;
}

function* requestsFor(match: Route<unknown>['match'], lengths: number, rules: PathRules): Generator<SampleRequest> {
  const methods = match === null || match.methods.length === 0 ? [ANY] : match.methods;
  for (const host of hostsFor(match?.domain ?? null, lengths)) {
    for (const method of methods) {
      for (const path of pathsFor(match, method, rules)) yield { host, path, method };
    }
  }
}

/** `**` matches any number of labels, so patterns of fixed lengths may cover each of these numbers. */
function* hostsFor(domain: string | null, lengths: number): Generator<string> {
  if (domain === null || !domain.includes('*')) {
    yield domain ?? ANY;
    return;
  }
  const { labels, open } = parseDomain(domain, new Map());
  const names = labels.map((label) => {
    if (label.kind === 'text') return label.text;
    return label.kind === 'star' ? ANY : label.prefix + ANY + label.suffix;
  });
  if (!open) {
    yield names.join('.');
    return;
  }
  for (let more = 1; more <= lengths; more++) yield [...names, ...Array<string>(more).fill(ANY)].join('.');
}

function* pathsFor(match: Route<unknown>['match'], method: string, rules: PathRules): Generator<string> {
  for (const pattern of match?.paths ?? []) {
    const { literal, prefix } = parsePathAlternative(pattern, rules);
    yield prefix ? literal + ANY : literal;
  }
  if (match !== null && match.paths.length > 0) return;
  // A route for everything after a route for `/*` is still reached by targets without a path (`*`, or that of CONNECT).
  const withoutPath = match === null || method === 'CONNECT' || method === 'OPTIONS';
  yield withoutPath ? ANY : `/${ANY}`;
}
