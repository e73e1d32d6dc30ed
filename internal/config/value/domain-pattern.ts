import { domainToASCII } from 'node:url';
import { InvalidValue, quote } from './invalid-value.ts';

/** RFC 1035 §2.3.4. */
const MAX_NAME = 253;
const MAX_LABEL = 63;

const ALLOWED = 'labels joined with dots, as in "example.com", "*.example.com", "cdn-*.example.com" or "*.storage.**"';

/** Nearly every pattern: a plain name, or one with whole labels of `*` in front. */
const PLAIN = /^(?:\*\.)*[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+$/i;

/** The characters of a label. */
const LABEL = /^[a-z0-9_*-]+$/;

/**
 * Checks a domain pattern and returns it in lower case without its trailing dot.
 *
 * `*` is one label, `cdn-*` and `*-prod` fix a part of one, `**` is one or more labels and only the last. At least two labels.
 *
 * @throws InvalidValue
 */
export function parseDomainPattern(text: string): string {
  if (text.length <= MAX_NAME && PLAIN.test(text)) return text.toLowerCase();
  const pattern = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const refuse = (why: string): never => {
    throw new InvalidValue(`expected ${ALLOWED}, found ${quote(text)}: ${why}`);
  };
  if (pattern === '') refuse('it is empty');
  if (/[^\0-\x7f]/.test(pattern)) refuse(`write it in its ASCII form${asciiForm(pattern)}`);
  if (pattern.includes('://')) refuse('leave the scheme out');
  if (pattern.includes('/')) refuse('a path goes into `path`');
  if (/:\d*$/.test(pattern)) refuse('leave the port out, it is not looked at');
  if (pattern.includes(',')) refuse('one pattern only; use a route for each');
  if (pattern.length > MAX_NAME) refuse(`at most ${MAX_NAME} characters`);
  const labels = pattern.split('.');
  labels.forEach((label, index) => checkLabel(label, index === labels.length - 1, refuse));
  if (labels.length < 2)
    refuse(pattern === '*' || pattern === '**' ? 'use "*.**" for every domain' : 'at least two labels');
  return pattern;
}

function checkLabel(label: string, last: boolean, refuse: (why: string) => never): void {
  if (label === '') refuse('a label is empty');
  if (label === '**') {
    if (!last) refuse('`**` is allowed only as the last label');
    return;
  }
  if (label.includes('**')) refuse('`**` must be a whole label');
  if (label.split('*').length > 2) refuse('at most one `*` in a label');
  if (!LABEL.test(label))
    refuse(`the label ${quote(label)} has a character other than letters, digits, "-", "_" and "*"`);
  if (label.length > MAX_LABEL) refuse(`a label has at most ${MAX_LABEL} characters`);
}

function asciiForm(pattern: string): string {
  const ascii = pattern.includes('*') ? '' : domainToASCII(pattern);
  return ascii === '' ? ' (xn--…)' : `, ${quote(ascii)}`;
}

/** One label of a pattern: fixed text, a whole `*`, or a `*` with a fixed prefix, suffix or both. */
export type LabelPattern =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'star' }
  | { readonly kind: 'affix'; readonly prefix: string; readonly suffix: string };

/** A pattern as its labels, without the final `**`. */
export interface ParsedDomain {
  readonly labels: readonly LabelPattern[];
  /** True when the pattern ends with `**`: one or more labels follow. */
  readonly open: boolean;
}

const STAR: LabelPattern = { kind: 'star' };

/**
 * Splits a pattern in lower case into its labels; null when it breaks the rules. `memo` reuses labels that occur often,
 * such as the `cdn-*` of many domains.
 */
export function splitDomainPattern(pattern: string, memo: Map<string, LabelPattern>): ParsedDomain | null {
  const names = pattern.split('.');
  const open = names.at(-1) === '**';
  if (open) names.pop();
  if (names.length === 0) return null;
  const labels: LabelPattern[] = [];
  for (const name of names) {
    const label = memo.get(name) ?? splitLabel(name);
    if (label === null) return null;
    memo.set(name, label);
    labels.push(label);
  }
  return { labels, open };
}

function splitLabel(name: string): LabelPattern | null {
  const star = name.indexOf('*');
  if (name === '' || name.indexOf('*', star + 1) > star) return null;
  if (name === '*') return STAR;
  if (star < 0) return { kind: 'text', text: name };
  return LABEL.test(name) ? { kind: 'affix', prefix: name.slice(0, star), suffix: name.slice(star + 1) } : null;
}
