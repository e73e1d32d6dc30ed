import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makePair } from '../../../tests/testing/certificates.ts';
import { jsonSchema } from '../json-schema.ts';
import { DEFAULT_LIMITS, limitsSchema } from '../schema/limits.ts';
import { keyNotes } from '../schema/field.ts';
import { problemsOf } from '../testing/config-folder.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseDuration } from '../value/duration.ts';
import { generateDocs } from './generate.ts';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const prose = read('./prose.md');

function camelCase(key: string): string {
  return key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

describe('generated files', () => {
  it.each(Object.entries(generateDocs(prose)))(
    '%s is what scripts/generate-config-docs.mjs writes',
    (path, content) => {
      expect(read(`../../../${path}`)).toBe(content);
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
  const examples = [...prose.matchAll(/^```json5 ?(\w*)\n([^]*?)^```$/gm)].map(
    ([, kind = '', text = '']) => [kind, text] as const,
  );

  it('marks every example with the kind of file that it is', () => {
    expect(examples.length).toBeGreaterThan(6);
    expect(new Set(examples.map(([kind]) => kind))).toEqual(new Set(['root', 'service', 'routes']));
  });

  it.each(examples)('has an example of a %s file that loads: %s', async (kind, text) => {
    if (kind === 'root') expect(await problemsOf({ ...files, 'prox.json5': text })).toEqual([]);
    else if (kind === 'service')
      expect(await problemsOf({ ...files, 'prox.json5': `{ services: { a: 'a.json5' } }`, 'a.json5': text })).toEqual(
        [],
      );
    else {
      const root = `{ services: { a: { listen: ':1', routes: ['r.json5'] } } }`;
      expect(await problemsOf({ ...files, 'prox.json5': root, 'r.json5': text })).toEqual([]);
    }
  });

  const defaults = Object.entries(limitsSchema.shape)
    .map(([key, schema]) => ({
      key,
      written: keyNotes.get(schema)?.default ?? '',
      actual: (DEFAULT_LIMITS as unknown as Record<string, unknown>)[camelCase(key)],
    }))
    // dial_timeout says in words where it comes from; two keys have no effect, hence no limit.
    .filter(({ actual }) => actual !== undefined && actual !== null);

  it.each(defaults)('names the default of $key that is in force', ({ written, actual }) => {
    if (typeof actual === 'string') return expect(written).toBe(actual);
    expect(valueOf(written)).toEqual(actual);
  });
});

/** A default as the tables have it: a duration, a size, or a value of JSON. */
function valueOf(written: string): unknown {
  if (written.endsWith('s')) return parseDuration(written);
  return /^\d+[kmg]$/.test(written) ? parseByteSize(written) : JSON.parse(written);
}

describe('jsonSchema', () => {
  const schema = jsonSchema() as {
    readonly definitions: Readonly<
      Record<string, { properties?: Record<string, { description?: string }>; additionalProperties?: unknown }>
    >;
  };

  it('allows no unknown keys, and describes every known one', () => {
    for (const [id, { properties, additionalProperties }] of Object.entries(schema.definitions)) {
      // What has a branch for each type leaves the keys to them.
      if (properties === undefined || id === 'Action') continue;
      expect([id, additionalProperties]).toEqual([id, false]);
      for (const [key, { description }] of Object.entries(properties))
        expect([id, key, description]).not.toContain(undefined);
    }
  });

  it('has a definition for each kind of file', () => {
    expect(Object.keys(schema.definitions)).toEqual(
      expect.arrayContaining(['Root', 'ServiceFragment', 'RouteInclude', 'RouteList', 'Service', 'Route', 'Action']),
    );
    expect(JSON.stringify(schema)).not.toContain('__schema');
    expect(JSON.stringify(schema)).not.toContain('undefined');
  });
});
