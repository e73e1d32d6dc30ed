import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { load, problemsOf } from '../config/testing/config-folder.ts';
import type { Action, Feature } from '../exchange/index.ts';
import { memoryContext } from '../exchange/testing/memory-context.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/contributing.md'), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'prox-example-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The middleware that docs/contributing.md shows, as if it stood in a folder of its own. */
const requireHeader = await (async (): Promise<Feature> => {
  const [, contents = ''] = /^```ts\n([^]*?)^```$/m.exec(page) ?? [];
  const outfile = join(scratch, 'example.mjs');
  await build({
    stdin: { contents, loader: 'ts', resolveDir: join(ROOT, 'internal/feature/request-id') },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
    logLevel: 'silent',
  });
  const { requireHeader: feature } = (await import(pathToFileURL(outfile).href)) as { requireHeader: Feature };
  return feature;
})();

function textOf(entry: string): string {
  return `{
  plugins: { a: { category: 'require_header', ${entry} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function configOf(entry: string): Promise<unknown> {
  const { plugins } = await load({ 'prox.json5': textOf(entry) }, 'prox.json5', [requireHeader]);
  return (plugins['a'] as { readonly config: unknown }).config;
}

describe('the middleware that docs/contributing.md shows', () => {
  it('builds its config', async () => {
    expect(await configOf(`name: 'X-A'`)).toEqual({ name: 'X-A', status: 400 });
  });

  it.each([
    [`status: 400`, 'plugins.a.name: is required: expected a header name'],
    [`name: 'Host'`, 'plugins.a.name: every request has a Host'],
    [`name: 'X-A', staus: 400`, 'plugins.a.staus: unknown key `staus`; did you mean `status`?'],
  ])('refuses { %s }', async (entry, problem) => {
    const found = await problemsOf({ 'prox.json5': textOf(entry) }, 'prox.json5', [requireHeader]);
    expect(found).toEqual([expect.stringContaining(problem)]);
  });

  it('lets requests with the field pass, and answers others', async () => {
    const filter = requireHeader.compile(await configOf(`name: 'X-A', status: 422`), memoryContext());
    expect(filter.onRequest?.(new MemoryExchange({ fields: { 'x-a': '1' } }))).toBeNull();
    const exchange = new MemoryExchange();
    const answer = filter.onRequest?.(exchange) as Action;
    answer.handle(exchange);
    expect([exchange.status, exchange.body.toString()]).toEqual([422, 'The field X-A is missing.\n']);
  });
});
