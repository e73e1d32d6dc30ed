import { describe, expect, it } from 'vitest';

import { load, problemsOf } from '../../config/testing/config-folder.ts';
import type { CompressionConfig } from './compression-config.ts';
import { COMPRESSED_TYPES } from './content-types.ts';
import { compression } from './index.ts';
import { ZSTD } from './zstd.ts';

function textOf(plugins: string, listed = 'a'): string {
  return `{
  plugins: { ${plugins} },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['${listed}'] }] } },
}`;
}

const entry = (fields: string): string => `a: { category: 'compression', ${fields} }`;

async function configOf(plugins: string, listed = 'a', name = listed): Promise<CompressionConfig> {
  const loaded = await load({ 'prox.json5': textOf(plugins, listed) }, 'prox.json5', [compression]);
  return structuredClone((loaded.plugins[name] as { readonly config: CompressionConfig }).config);
}

describe('the config of compression', () => {
  it('has defaults', async () => {
    expect(await configOf(entry('gzip_level: 6'))).toEqual({
      levels: { gzip: 6, br: 0, zstd: 0 },
      mode: 'downstream',
      minLength: 1024,
      types: COMPRESSED_TYPES,
      decompression: false,
    });
  });

  it('has what is written', async () => {
    const fields = `br_level: 11, zstd_level: 22, mode: 'upstream', min_length: '2kb', types: ['text/*', '+json'], decompression: true`;
    expect(await configOf(entry(fields))).toEqual({
      levels: { gzip: 0, br: 11, zstd: 22 },
      mode: 'upstream',
      minLength: 2000,
      types: ['text/*', '+json'],
      decompression: true,
    });
  });

  it('exists ready-made', async () => {
    const levels = { gzip: 6, br: 6, zstd: 6 };
    expect(await configOf('', 'prox:compression')).toMatchObject({ levels, mode: 'downstream' });
    expect(await configOf('', 'prox:compressionUpstream')).toMatchObject({ levels, mode: 'upstream' });
    expect(await configOf('', 'pingap:compression', 'prox:compression')).toMatchObject({ levels });
  });

  it('may do nothing but decode', async () => {
    expect(await configOf(entry('decompression: true'))).toMatchObject({ decompression: true });
  });

  it.each([
    ['', 'expected something to do: `gzip_level`, `br_level` or `zstd_level` above 0, or `decompression`'],
    ['gzip_level: 10', 'gzip_level: expected a level from 0 to 9, found 10'],
    ['br_level: 12', 'br_level: expected a level from 0 to 11, found 12'],
    ['zstd_level: 23', 'zstd_level: expected a level from 0 to 22, found 23'],
    ['gzip_level: 1.5', 'gzip_level: expected a level from 0 to 9, found 1.5'],
    [`gzip_level: 1, mode: 'upsteam'`, 'did you mean `upstream`?'],
    [`gzip_level: 1, types: ['text']`, 'types[0]: expected a media type in lower case such as "text/html"'],
    [`gzip_level: 1, types: []`, 'types: expected at least one media type, found an empty list'],
    [`gzip_level: 1, level: 1`, 'level: unknown key `level`'],
  ])('refuses { %s }', async (fields, problem) => {
    const found = await problemsOf({ 'prox.json5': textOf(entry(fields)) }, 'prox.json5', [compression]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  it('says that zstd is not offered where it is named and this Node has none', async () => {
    const loaded = async (text: string): Promise<readonly unknown[]> =>
      (await load({ 'prox.json5': text }, 'prox.json5', [compression])).warnings;
    expect(await loaded(textOf(entry('zstd_level: 3')))).toHaveLength(ZSTD === null ? 1 : 0);
    expect(await loaded(textOf('', 'prox:compression'))).toHaveLength(0);
  });
});
