import { checkFieldValue, checkHostValue } from './header-field.ts';
import { InvalidValue, problemOf, quote } from './invalid-value.ts';
import { nearest } from './nearest.ts';

/** `{name}` as templates have it. A brace that begins no such name is text, as it is all over JSON and CSS. */
const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g;

/** A name in braces, and where it stands in its text. */
export interface FoundPlaceholder {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The names in braces of a text, in order. Which of them are filled in, each use of templates knows. */
export function placeholdersIn(text: string): readonly FoundPlaceholder[] {
  if (!text.includes('{')) return [];
  return Array.from(text.matchAll(PLACEHOLDER), ({ 0: whole, 1: name, index }) => ({
    name,
    start: index,
    end: index + whole.length,
  }));
}

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
  'query',
  'uri',
  'scheme',
  'client',
  'request_id',
  'tls.client.subject',
  'tls.client.fingerprint',
] as const;

/** A name that static bodies, header values and the fields of plugins may hold in braces. */
export type PlaceholderName = (typeof STATIC_PLACEHOLDERS)[number];

/** What the names of placeholders may begin with whose rest says which value is meant: `{header.User-Agent}`. */
export type PlaceholderFamily = 'header' | 'query' | 'cookie';

const FAMILY = /^(header|query|cookie)\.(.+)$/;

/** The family of a placeholder's name, and which value of it is meant; null when the name is of no family. */
export function familyMember(name: string): { readonly family: PlaceholderFamily; readonly key: string } | null {
  const match = FAMILY.exec(name);
  return match === null ? null : { family: match[1] as PlaceholderFamily, key: match[2] };
}

/**
 * Those that a file is not searched for, with all that are of a family: a request may hold anything in its query, and scripts in pages have `{query}` as code
 * of their own (`const {query} = …`), where no escaping helps.
 */
export const NOT_IN_FILES: readonly string[] = ['query', 'uri'];

/** In an upstream a brace is never text: no address holds one. */
const UPSTREAM_PLACEHOLDER = /\{([^{}]*)\}/g;

/** The names in an upstream template, each once. */
export function upstreamPlaceholders(template: string): string[] {
  if (!template.includes('{')) return [];
  return [...new Set(Array.from(template.matchAll(UPSTREAM_PLACEHOLDER), (match) => match[1]))];
}

/** Fills an upstream template with the target and the variables of `set`; a name without a value stays as it is. */
export function fillUpstream(template: string, values: Readonly<Record<string, string>>): string {
  if (!template.includes('{')) return template;
  return template.replace(UPSTREAM_PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name] : whole,
  );
}

/** Names that are filled in with a part of a host, and so with nothing that a Host field could not hold. */
const HOST_PLACEHOLDERS: ReadonlySet<string> = new Set(['domain', 'host', 'match.domain', 'match.glob']);

/** What a placeholder looks like. Words that do not, such as `{Id}` and `{a-b}`, mean something else. */
const PLACEHOLDER_NAME = /^[a-z_][a-z0-9_.]*$/;

/** The names in a text; `{{name}}` belongs to the templates of others. */
function namesInSingleBraces(text: string): readonly string[] {
  return placeholdersIn(text)
    .filter(({ start }) => text[start - 1] !== '{')
    .map(({ name }) => name);
}

/** What is wrong with a name in braces; null for a placeholder and for what is text. */
function placeholderProblem(name: string): string | null {
  if ((STATIC_PLACEHOLDERS as readonly string[]).includes(name) || familyMember(name) !== null) return null;
  const meant = nearest(name, STATIC_PLACEHOLDERS);
  // In another shape, only a slip of a longer name is taken for one.
  if (!PLACEHOLDER_NAME.test(name) && (meant === null || name.length < 4)) return null;
  const known = STATIC_PLACEHOLDERS.map((each) => `\`{${each}}\``).join(', ');
  return `unknown placeholder \`{${name}}\`; ${meant === null ? `known: ${known}` : `did you mean \`{${meant}}\`?`}`;
}

/**
 * Refuses a name in braces that is no placeholder. Other braces are text: JSON, styles and scripts are full of them.
 *
 * @throws InvalidValue
 */
export function checkStaticTemplate(text: string): void {
  for (const name of namesInSingleBraces(text)) {
    const problem = placeholderProblem(name);
    if (problem !== null) throw new InvalidValue(problem);
  }
}

/**
 * Checks a header value whose placeholders are filled in for each exchange.
 *
 * @throws InvalidValue
 */
export function checkFieldTemplate(value: string): void {
  checkFieldValue(value);
  checkStaticTemplate(value);
}

/**
 * What may surprise the author of a file whose placeholders are filled in: a slip of one, and one in a script or a style,
 * where braces mean something else as a rule. A file is often generated: neither keeps it from being sent. Null for nothing.
 */
export function fileTemplateWarning(text: string, isCode: boolean): string | null {
  for (const name of new Set(namesInSingleBraces(text))) {
    if (NOT_IN_FILES.includes(name)) continue;
    if ((STATIC_PLACEHOLDERS as readonly string[]).includes(name)) {
      if (isCode) return `\`{${name}}\` in it is filled in for each request; \`raw: true\` sends the file as it is`;
    } else if (!isCode && name.length >= 4 && nearest(name, STATIC_PLACEHOLDERS) !== null) {
      return `it is sent with \`{${name}}\` as it stands: ${placeholderProblem(name)}`;
    }
  }
  return null;
}

/**
 * Checks a value of Host whose placeholders, if any, are filled in for each request.
 *
 * @throws InvalidValue
 */
export function checkHostTemplate(value: string): void {
  const wrong = placeholdersIn(value).find(({ name }) => !HOST_PLACEHOLDERS.has(name))?.name;
  if (wrong !== undefined) {
    const allowed = [...HOST_PLACEHOLDERS].map((name) => `\`{${name}}\``).join(', ');
    throw new InvalidValue(`Host may hold the placeholders ${allowed}, found \`{${wrong}}\``);
  }
  // `{host}` brings its port: nothing may stand behind it.
  const example = value.replaceAll('{host}', 'a:1').replaceAll(PLACEHOLDER, 'a');
  const problem = problemOf(checkHostValue, example);
  if (problem !== null) throw new InvalidValue(`expected a host with an optional port for Host, found ${quote(value)}`);
}
