import { isUtf8 } from 'node:buffer';
import mime from 'mime';
import type { ResourceConfig } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import type { RawResource } from '../schema/resource.ts';
import { nearest, suggestion } from '../value/nearest.ts';
import { checkStaticTemplate, fileTemplateWarning } from '../value/template.ts';
import { problemOf, quote } from '../value/invalid-value.ts';
import { textType } from './text-type.ts';
import { absolute, type BuildContext, existing, isBroken, report, reportMissing } from './context.ts';

const KINDS = ['text', 'json', 'file'] as const;

/** Builds a resource in place; null, and a problem, when that is not possible. */
export function buildResource(context: BuildContext, written: Written): ResourceConfig | null {
  if (isBroken(context, written)) return null;
  const raw = written.value as RawResource;
  const kinds = KINDS.filter((kind) => raw[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const found = kind === undefined ? 'none of them' : kinds.map((each) => `\`${each}\``).join(' and ');
    const tell = kind === undefined ? reportMissing : report;
    return tell(context, written, [], `expected exactly one of \`text\`, \`json\` and \`file\`, found ${found}`);
  }
  if (kind === 'file') return buildFile(context, written, raw.file as string, raw.raw ?? false);
  const text = kind === 'text' ? (raw.text as string) : JSON.stringify(raw.json);
  const literal = raw.raw ?? false;
  const problem = literal ? null : problemOf(checkStaticTemplate, text);
  if (problem !== null) {
    const hint = problem.endsWith('?') ? '' : '; `raw: true` beside it sends braces as they are';
    return report(context, written, [kind], problem + hint);
  }
  const contentType = kind === 'text' ? textType(text) : 'application/json';
  return Object.freeze({ kind, body: Buffer.from(text), contentType, raw: literal });
}

function buildFile(context: BuildContext, written: Written, file: string, literal: boolean): ResourceConfig | null {
  if (existing(context, written, ['file'], file, ['file']) === null) return null;
  const path = absolute(written, file);
  const body = context.facts.get(path)?.bytes as Uint8Array;
  const type = mime.getType(path) ?? 'application/octet-stream';
  const isText = isUtf8(body);
  const contentType = type.startsWith('text/') && isText ? `${type}; charset=utf-8` : type;
  // What is no text, such as an image, has no placeholders.
  const raw = literal || !isText || body.includes(0);
  if (!raw) warnOfPlaceholders(context, written, body, type);
  return Object.freeze({ kind: 'file', body, contentType, raw });
}

function warnOfPlaceholders(context: BuildContext, written: Written, body: Uint8Array, type: string): void {
  const warning = fileTemplateWarning(Buffer.from(body).toString(), /javascript|css/.test(type));
  if (warning !== null) context.findings.warn(written.document, written.node, warning, ['file']);
}

/** The shared resource of a name, built when it is first asked for. */
export function namedResource(
  context: BuildContext,
  name: string,
  user: Written,
  path: readonly PropertyKey[],
): ResourceConfig | null {
  const { resources } = context.project;
  const written = resources.get(name);
  if (written === undefined) {
    if (context.findings.incomplete) return null;
    const hint = suggestion(name, [...resources.keys()], 'known resources') + textHint(name, [...resources.keys()]);
    return report(context, user, path, `there is no resource \`${name}\`${hint}`);
  }
  let built = context.resources.get(name);
  if (built === undefined) {
    built = buildResource(context, written);
    context.resources.set(name, built);
  }
  return built;
}

/** A text in place of a name, by the look of it or for want of names. */
function textHint(text: string, known: readonly string[]): string {
  if (nearest(text, known) !== null) return '';
  const quoted = quote(text);
  const written = `{ text: ${/['\\]/.test(quoted) ? quoted : `'${quoted.slice(1, -1)}'`} }`;
  return known.length === 0 ? `; did you mean ${written}?` : `; for the text itself write ${written}`;
}
