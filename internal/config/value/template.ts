import { InvalidValue } from './invalid-value.ts';
import { nearest } from './nearest.ts';

/** `{name}` as templates have it. A brace that begins no such name is text. */
const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g;

/** What static bodies and header values may hold. */
export const STATIC_PLACEHOLDERS = [
  'domain',
  'domain.pattern',
  'match.domain',
  'match.glob',
  'path',
  'match.path',
  'method',
  'host',
  'tls.client.subject',
  'tls.client.fingerprint',
] as const;

/** In an upstream a brace is never text: no address holds one. */
const UPSTREAM_PLACEHOLDER = /\{([^{}]*)\}/g;

/** The names in an upstream template, each once. */
export function upstreamPlaceholders(template: string): string[] {
  if (!template.includes('{')) return [];
  return [...new Set(Array.from(template.matchAll(UPSTREAM_PLACEHOLDER), (match) => match[1]))];
}

/** Fills an upstream template with a target and the variables of `set`; a name without a value stays as it is. */
export function fillUpstream(template: string, set: Readonly<Record<string, string>>, target: string): string {
  if (!template.includes('{')) return template;
  return template.replace(UPSTREAM_PLACEHOLDER, (whole, name: string) => {
    if (name === 'target') return target;
    return Object.hasOwn(set, name) ? set[name] : whole;
  });
}

/** The names in the template of a static answer, each once. */
export function placeholdersOf(template: string): string[] {
  if (!template.includes('{')) return [];
  return [...new Set(Array.from(template.matchAll(PLACEHOLDER), (match) => match[1]))];
}

/**
 * Refuses a placeholder that is a slip of one that exists (`{domian}`, `{match.host}`). Other names in braces are
 * text: static answers show them for their own purposes, as in `{"path": "/users/{id}"}`.
 *
 * @throws InvalidValue
 */
export function checkStaticTemplate(text: string): void {
  for (const name of placeholdersOf(text)) {
    if ((STATIC_PLACEHOLDERS as readonly string[]).includes(name)) continue;
    const meant = name.length < 4 ? null : nearest(name, STATIC_PLACEHOLDERS);
    const family = /^(?:match|domain|tls)\./.test(name);
    if (meant === null && !family) continue;
    const known = STATIC_PLACEHOLDERS.map((each) => `\`{${each}}\``).join(', ');
    throw new InvalidValue(
      `unknown placeholder \`{${name}}\`; ${meant === null ? `known: ${known}` : `did you mean \`{${meant}}\`?`}`,
    );
  }
}
