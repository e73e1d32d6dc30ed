import type { ResourceConfig } from '../config/index.ts';

/*
 * Clients choose the values of a request: a path may contain `<`, `"` and `'`. A value that is inserted into a body is
 * therefore escaped to suit the type of the body, so that it can end neither a string nor an element:
 *
 *       JSON, JavaScript     `\u003C`; readers of JSON get the original value
 *       HTML, XML, SVG       `&lt;`; safe in text and in quoted attributes, and in strings of scripts in the page
 *       no or an unsure type as HTML, since a browser may guess that it is HTML
 *       anything else        unchanged: no browser runs text/plain
 *
 * Pages and scripts often contain template literals, and the `{query}` of `${query}` is filled in, too. So a value must
 * not begin with a brace, contain a backtick, or end a string with a backslash.
 *
 * This does not protect an author who puts a placeholder where a value is code: outside of a string in a script, in an
 * attribute without quotes, or in `href`.
 */

/** Turns a value into text that is safe in a body of some type. */
export type Escape = (value: string) => string;

const TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+/;
const JSON_OR_SCRIPT = /\/(x-)?(json5?|javascript|ecmascript)$|\+json$/;
const MARKUP = /\/(html|xml|xml-dtd|xsl)$|\+xml$/;

/**
 * Returns the escape function for a body.
 * @param contentType the Content-Type of the body; null if it is only known per request
 */
export function escapeFor(kind: ResourceConfig['kind'], contentType: string | null): Escape {
  if (kind === 'json') return escapeString;
  const type = TYPE.exec((contentType ?? '').trim().toLowerCase())?.[0] ?? '';
  if (JSON_OR_SCRIPT.test(type)) return escapeString;
  return type === '' || MARKUP.test(type) ? escapeMarkup : unchanged;
}

/** Characters that could end a string of JSON or JavaScript, or begin markup in a page around it. */
const UNSAFE_IN_STRING = /[^\x20-\x7e]|["\\<>&'`${}]/g;

function escapeString(value: string): string {
  return value.replace(
    UNSAFE_IN_STRING,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\\': '&#92;',
  '`': '&#96;',
  $: '&#36;',
  '{': '&#123;',
  '}': '&#125;',
};

function escapeMarkup(value: string): string {
  return value.replace(/[&<>"'\\`${}]/g, (character) => ENTITIES[character]);
}

function unchanged(value: string): string {
  return value;
}
