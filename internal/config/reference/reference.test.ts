import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../json-schema.ts';
import { DEFAULT_LIMITS, limitsSchema } from '../schema/limits.ts';
import { keyNotes } from '../schema/field.ts';
import { TEST_FEATURES } from '../testing/features.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseDuration } from '../value/duration.ts';

function camelCase(key: string): string {
  return key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

describe('docs/config.md', () => {
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
  const schema = jsonSchema(TEST_FEATURES) as {
    readonly definitions: Readonly<
      Record<string, { properties?: Record<string, { description?: string }>; additionalProperties?: unknown }>
    >;
  };

  it('allows no unknown keys, and describes every known one', () => {
    for (const [id, { properties, additionalProperties }] of Object.entries(schema.definitions)) {
      // What has a branch for each type leaves the keys to them.
      if (properties === undefined || id === 'Action' || id === 'Plugin') continue;
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
