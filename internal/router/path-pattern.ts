import { ProxyError } from '../base/index.ts';
import { splitPathPattern } from '../config/index.ts';
import { DEFAULT_PATH_RULES, encodePath, normalizePath, type PathRules } from '../message/index.ts';

/** One parsed alternative of a route's `path`: an exact path, or everything below a prefix that ends with `/`. */
export interface PathAlternative {
  /** As written in the config. */
  readonly pattern: string;
  /** `/api/` for `/api/*`; the whole path for an exact one. In match form, as request paths are. */
  readonly literal: string;
  readonly prefix: boolean;
}

/** The alternative of a route that a path matched, and the part that the star matched. */
export interface PathMatch {
  /** The first alternative that matches, as written: `/api/*`. */
  readonly pattern: string;
  /** The part of the path that the alternative fixes, with its slash: `/api/`. The whole path for an exact one. */
  readonly fixed: string;
  /** The part below the prefix, without a leading slash: `v1/users`. Empty for an exact alternative. */
  readonly rest: string;
}

/** The paths of one route, for code that needs more than whether it matches: prefix stripping and templates. */
export interface PathPattern {
  /**
   * Returns null if no alternative matches the normalised path. A route without paths matches every path and fixes no
   * part of it.
   */
  match(path: string): PathMatch | null;
}

/** Compiles the alternatives of one route (`MatchConfig.paths`). Throws ProxyError `internal` on a malformed one. */
export function compilePath(patterns: readonly string[], rules: PathRules = DEFAULT_PATH_RULES): PathPattern {
  const alternatives = patterns.map((pattern) => parsePathAlternative(pattern, rules));
  return { match: (path) => (alternatives.length === 0 ? unrestricted(path) : matchFirst(alternatives, path)) };
}

/**
 * Parses one alternative. `*` is special only as the whole last segment. A pattern gets the match form, like request
 * paths. An encoded slash in a pattern is a separator, too, even in services that refuse requests with one. Letters
 * beyond ASCII become encoded UTF-8, so that users may write a path as a browser shows it.
 */
export function parsePathAlternative(pattern: string, rules: PathRules): PathAlternative {
  const { fixed, prefix } = splitPathPattern(pattern);
  const encoded = encodePath(fixed);
  const literal =
    encoded === null ? null : normalizePath(encoded, { mergeSlashes: rules.mergeSlashes, encodedSlashes: 'keep' });
  if (literal === null || pattern === '')
    throw new ProxyError('internal', `The path pattern \`${pattern}\` is malformed`);
  return { pattern, literal, prefix };
}

function matchFirst(alternatives: readonly PathAlternative[], path: string): PathMatch | null {
  for (const { pattern, literal, prefix } of alternatives) {
    if (prefix ? path.startsWith(literal) : path === literal) {
      return { pattern, fixed: literal, rest: path.slice(literal.length) };
    }
  }
  return null;
}

function unrestricted(path: string): PathMatch {
  return { pattern: '', fixed: '', rest: path.startsWith('/') ? path.slice(1) : path };
}
