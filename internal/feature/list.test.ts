import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FEATURES } from './list.ts';

const ROOT = join(import.meta.dirname, '../..');
const HERE = 'internal/feature';

/** The sources that are shipped, by their paths from the root. */
const sources = ['internal', 'cmd'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('testing/'))
    .map((name) => join(folder, name)),
);
const texts = new Map(sources.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));

const folders = readdirSync(join(ROOT, HERE), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The files outside of a middleware's folder whose text has a match. */
function filesWith(folder: string, pattern: RegExp): string[] {
  return [...texts]
    .filter(([path, text]) => !path.startsWith(`${HERE}/${folder}/`) && pattern.test(text))
    .map(([path]) => path);
}

describe('the list of middlewares', () => {
  it('has each folder once', () => {
    expect(folders.map((name) => name.replaceAll('-', '_')).toSorted()).toEqual(
      FEATURES.map(({ category }) => category).toSorted(),
    );
  });

  it('gives each ready-made name to one middleware', () => {
    const names = FEATURES.flatMap(({ readyMade = {} }) => Object.keys(readyMade));
    expect(new Set(names).size).toBe(names.length);
  });

  it('has the category that each schema accepts', () => {
    for (const { category, schema } of FEATURES) {
      const { value } = schema.shape['category'] as unknown as { readonly value: string };
      expect(value).toBe(category);
    }
  });
});

// What docs/contributing.md promises: to add a middleware is to add a folder, and two lines to one file.
describe.each(folders)('the middleware in %s', (folder) => {
  it('touches one file outside of its folder: the list', () => {
    expect(filesWith(folder, new RegExp(`(?:/|\\./)${folder}/`))).toEqual([`${HERE}/list.ts`]);
  });

  it('has two lines in the list', () => {
    const list = texts.get(`${HERE}/list.ts`) ?? '';
    const imported = new RegExp(`^import \\{ (\\w+) \\} from '\\./${folder}/index\\.ts';$`, 'm').exec(list);
    const name = imported?.[1] ?? '';
    expect(name).toMatch(/^[a-z]\w+$/);
    // The import, and the list itself.
    expect(list.match(new RegExp(`(?<![/-])\\b${name}\\b(?![/-])`, 'g'))).toHaveLength(2);
  });

  it('is treated by no other file as a special case', () => {
    const category = folder.replaceAll('-', '_');
    expect(filesWith(folder, new RegExp(`category\\b.*['"\`]${category}['"\`]`))).toEqual([]);
  });
});
