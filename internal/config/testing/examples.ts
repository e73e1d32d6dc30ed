import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A config file that the project shows to people. */
export interface Example {
  /** Where it stands, from the root of the repository. */
  readonly place: string;
  /** JSON5. */
  readonly text: string;
}

/** Every config under `config/`, and every example of the documentation. */
export function examples(): readonly Example[] {
  const files = readdirSync(join(ROOT, 'config'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json5'))
    .map((name) => join('config', name));
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return [
    ...files.map((place) => ({ place, text: read(place) })),
    ...[...pages, 'README.md'].flatMap((place) => blocksOf(place)),
  ];
}

function blocksOf(place: string): Example[] {
  const page = read(place);
  return [...page.matchAll(/^```json5[ \w]*\n([^]*?)^```$/gm)].map((match) => ({
    place: `${place}:${page.slice(0, match.index).split('\n').length}`,
    text: match[1],
  }));
}

function read(place: string): string {
  return readFileSync(join(ROOT, place), 'utf8');
}
