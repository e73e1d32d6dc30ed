import type * as re2js from 're2js';

/**
 * The engine of regular expressions, which takes linear time for any pattern and any text.
 *
 * The first pattern loads it: loading takes 10 ms and 3 MiB, which a config without patterns saves. Only `require` loads a
 * part of the bundle late without a promise.
 */
function engine(): typeof re2js {
  return require('re2js') as typeof re2js;
}

/** A compiled pattern. */
export type Pattern = re2js.RE2JS;

/**
 * Compiles a pattern in the syntax of RE2.
 * @throws Error whose message says what is wrong with it
 */
export function compilePattern(pattern: string, ignoreCase: boolean): Pattern {
  const { RE2JS } = engine();
  return RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
}
