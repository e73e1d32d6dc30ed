import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import JSON5 from 'json5';
import { describe, expect, it } from 'vitest';
import { getLanguageService, TextDocument } from 'vscode-json-languageservice';
import { makePair } from '../../tests/testing/certificates.ts';
import { generateDocs, jsonSchema } from '../config/index.ts';
import { load, problemsOf } from '../config/testing/config-folder.ts';
import { examples } from '../config/testing/examples.ts';
import { FEATURES } from './list.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const prose = read('internal/config/reference/prose.md');
const middlewares = read('internal/config/reference/middlewares.md');

describe('generated files', () => {
  it.each(Object.entries(generateDocs({ reference: prose, middlewares }, FEATURES)))(
    '%s is what scripts/generate-config-docs.mjs writes',
    (path, content) => {
      expect(read(path)).toBe(content);
    },
  );
});

describe('docs/config.md', () => {
  /** What the examples refer to. */
  const pair = makePair();
  const files = {
    'public/index.html': '',
    'logs/': '',
    'certs/a.crt': pair.cert,
    'certs/a.key': pair.key,
    'services/web.json5': `{ listen: ':1', routes: [{ action: 'maintenance' }] }`,
    'more-services/a.json5': `{ listen: ':2', routes: [{ action: 'maintenance' }] }`,
    'routes/realtime.json5': `[{ action: { type: 'drop' } }]`,
    'routes/rest.json5': `[{ action: { type: 'drop' } }]`,
  };
  const shown = [...prose.matchAll(/^```json5 ?(\w*)\n([^]*?)^```$/gm)].map(
    ([, kind = '', text = '']) => [kind, text] as const,
  );
  const problems = (added: Readonly<Record<string, string>>): Promise<readonly string[]> =>
    problemsOf({ ...files, ...added }, 'prox.json5', FEATURES);

  it('marks every example with the kind of file that it is', () => {
    expect(shown.length).toBeGreaterThan(6);
    expect(new Set(shown.map(([kind]) => kind))).toEqual(new Set(['root', 'service', 'routes']));
  });

  it.each(shown)('has an example of a %s file that loads: %s', async (kind, text) => {
    if (kind === 'root') expect(await problems({ 'prox.json5': text })).toEqual([]);
    else if (kind === 'service')
      expect(await problems({ 'prox.json5': `{ services: { a: 'a.json5' } }`, 'a.json5': text })).toEqual([]);
    else {
      const root = `{ services: { a: { listen: ':1', routes: ['r.json5'] } } }`;
      expect(await problems({ 'prox.json5': root, 'r.json5': text })).toEqual([]);
    }
  });
});

describe('every config that the project shows', () => {
  /** With `strict`, it refuses a schema that leaves anything to guesses: unknown keywords, keywords without a type … */
  const accepts = new Ajv({ strict: true }).compile(jsonSchema(FEATURES));
  /** The language service that VS Code runs, and that Neovim and others take from it. */
  const service = getLanguageService({
    // For files that name the schema themselves.
    schemaRequestService: () => Promise.resolve(JSON.stringify(jsonSchema(FEATURES))),
  });
  service.configure({ schemas: [{ uri: 'prox://schema', fileMatch: ['*'], schema: jsonSchema(FEATURES) }] });

  it('is found', () => {
    expect(examples().length).toBeGreaterThan(20);
  });

  it.each(examples())('is accepted by a strict validator: $place', ({ text }) => {
    const ok = accepts(JSON5.parse(text));
    expect(accepts.errors ?? []).toEqual([]);
    expect(ok).toBe(true);
  });

  it.each(examples())('is not marked by an editor: $place', async ({ text }) => {
    const document = TextDocument.create('file:///prox.json5', 'jsonc', 1, JSON.stringify(JSON5.parse(text)));
    const problems = await service.doValidation(document, service.parseJSONDocument(document));
    expect(problems.map(({ message }) => message)).toEqual([]);
  });
});

/** True when nothing below can be changed; typed arrays cannot be frozen. */
function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozen);
}

describe('docs/middlewares', () => {
  const pages = readdirSync(join(ROOT, 'docs/middlewares'));

  it('has a page for each middleware, and no other one', () => {
    const expected = ['README.md', ...FEATURES.map(({ category }) => `${category}.md`)];
    expect(pages.toSorted()).toEqual(expected.toSorted());
  });

  const configs = examples().filter(({ place }) => place.startsWith('docs/middlewares/'));

  it.each(configs)('has a config that is frozen and survives the way to a worker: $place', async ({ text }) => {
    const config = await load({ 'prox.json5': text, 'public/index.html': '' }, 'prox.json5', FEATURES);
    expect(Object.values(config.plugins).every(isFrozen)).toBe(true);
    expect(structuredClone(config)).toEqual(config);
  });

  it.each(FEATURES)('shows an example of $category, and each key', ({ category, schema }) => {
    const page = read(`docs/middlewares/${category}.md`);
    expect(page).toContain('```json5');
    const keys = Object.keys(schema.shape).filter((key) => key !== 'category' && key !== 'remark');
    expect(keys.filter((key) => !new RegExp(`\`${key}\\b`).test(page))).toEqual([]);
  });
});
