import { describe, expect, it } from 'vitest';
import type { Config } from './config.ts';
import { ConfigFolder, load, problemsOf } from './testing/config-folder.ts';
import { TEST_FEATURES } from './testing/features.ts';
import { loadConfig } from './load-config.ts';

/** A config with these plugins, and a route with those keys. */
function config(plugins: string, route = `action: 'site'`, rest = ''): string {
  return `{
  plugins: { ${plugins} },
  actions: { site: { type: 'static', status: 200 } },
  services: { web: { listen: ':1', ${rest} routes: [
    { ${route} },
  ] } },
}`;
}

function loadText(text: string): Promise<Config> {
  return load({ 'prox.json5': text });
}

function problems(text: string): Promise<readonly string[]> {
  return problemsOf({ 'prox.json5': text });
}

async function warnings(text: string): Promise<string[]> {
  const { warnings: found } = await loadText(text);
  return found.map(({ path, message }) => `${path}: ${message}`);
}

describe('plugins by category', () => {
  it('are built from their entries, with defaults', async () => {
    const { plugins } = await loadText(config(`a: { category: 'tag', label: 'x', times: 3, remark: 'for readers' }`));
    expect(plugins).toEqual({
      a: { category: 'tag', config: { label: 'x', times: 3, step: 'request', bounds: { list: [0, 3] } } },
    });
  });

  it('stand beside those that run outside', async () => {
    const { plugins } = await loadText(config(`a: { category: 'tag', label: 'x' }, b: { path: '/opt/b' }`));
    expect(Object.values(plugins).map(({ category }) => category)).toEqual(['tag', null]);
  });

  it('are frozen to the bottom, and survive the way to a worker', async () => {
    const loaded = await loadText(config(`a: { category: 'tag', label: 'x' }`, `action: 'site', plugins: ['a']`));
    const { config: built } = loaded.plugins['a'] as { readonly config: { bounds: { list: number[] } } };
    expect(() => built.bounds.list.push(1)).toThrow(TypeError);
    expect(structuredClone(loaded)).toEqual(loaded);
  });

  it('may stand in service files, too', async () => {
    const fragment = `{ listen: ':1', plugins: { a: { category: 'tag', label: 'x' } }, service_plugins: ['a'],
      routes: [{ action: { type: 'static', status: 200 } }] }`;
    const loaded = await load({ 'prox.json5': `{ services: { web: './web.json5' } }`, 'web.json5': fragment });
    expect(loaded.services[0]?.routes[0]?.plugins).toEqual(['a']);
    expect(loaded.plugins['a']?.category).toBe('tag');
  });

  it('lose keys that are unset', async () => {
    const { plugins } = await loadText(config(`a: { category: 'tag', label: 'x', times: null }`));
    expect(plugins['a']).toMatchObject({ config: { times: 1 } });
  });

  it.each([
    [`{ category: 'tag' }`, 'label: is required: expected a label'],
    [`{ category: 'tag', labl: 'x' }`, 'labl: unknown key `labl`; did you mean `label`?'],
    [
      `{ category: 'tag', label: 'x', colour: 1 }`,
      'colour: unknown key `colour`; known keys: `category`, `label`, `times`, `step`, `remark`',
    ],
    [`{ category: 'tag', label: 'x', times: '2' }`, 'times: expected a whole number from 1 to 9, found the string "2"'],
    [`{ category: 'tag', label: 'none' }`, 'label: there is no label `none`'],
    [`{ category: 'tog', label: 'x' }`, 'category: there is no category `tog`; did you mean `tag`?'],
    [`{ category: 'compresion' }`, 'category: there is no category `compresion`; did you mean `compression`?'],
    [`{ category: 'zzzzzzzzz' }`, 'category: there is no category `zzzzzzzzz`; known categories: `tag`'],
    [`{ category: 'cache', what: 'ever' }`, 'category: the category `cache` is not built yet'],
    [`{ category: 5 }`, 'category: expected a category, found the number 5; known: `tag`'],
    [
      `{ category: 'tag', label: 'x', step: 'response' }`,
      'step: the step "response" does not fit here: expected "request" or "proxy_upstream"',
    ],
    [
      `{ category: 'tag', label: 'x', step: 'reqest' }`,
      'step: expected "request" or "proxy_upstream", found the string "reqest"; did you mean `request`?',
    ],
    [`{ label: 'x' }`, 'expected `category` (a middleware) or `path` (a program or a module), found neither'],
    [`{ categry: 'tag', label: 'x' }`, 'categry: unknown key `categry`; did you mean `category`?'],
    [`{ pth: './a' }`, 'pth: unknown key `pth`; did you mean `path`?'],
    [`5`, 'expected a plugin: { path } or { category }, found the number 5'],
  ])('that are %s are refused with their position', async (entry, message) => {
    const found = await problems(config(`a: ${entry}`, `action: 'site', plugins: ['a']`));
    expect(found).toEqual([found[0]]);
    expect(found[0]).toMatch(/^prox\.json5:2:\d+: plugins\.a/);
    expect(found[0]?.replace(/^prox\.json5:2:\d+: plugins\.a[.:] ?/, '')).toBe(message);
  });

  it('may warn', async () => {
    expect(await warnings(config(`a: { category: 'tag', label: 'odd' }`))).toEqual([
      'plugins.a.label: the label `odd` is odd',
    ]);
  });
});

describe('ready-made plugins', () => {
  it.each(['prox:tagOnce', 'pingap:tagOnce'])('need no declaration: %s', async (name) => {
    const loaded = await loadText(config('', `action: 'site', plugins: ['${name}']`));
    expect(loaded.services[0]?.routes[0]?.plugins).toEqual(['prox:tagOnce']);
    expect(loaded.plugins['prox:tagOnce']).toMatchObject({ category: 'tag', config: { label: 'once' } });
  });

  it('are not in the config unless they are listed', async () => {
    expect((await loadText(config(''))).plugins).toEqual({});
  });

  it.each([
    ['prox:tagTwice', '`prox:tagTwice`; did you mean `prox:tagOnce`?'],
    ['prox:stats', '`prox:stats` needs the category `stats`, which is not built yet'],
    ['pingap:requestId', '`pingap:requestId` needs the category `request_id`, which is not built yet'],
  ])('are looked up: %s', async (name, message) => {
    const [found] = await problems(config('', `action: 'site', plugins: ['${name}']`));
    expect(found).toContain(message);
  });

  it('keep their names to themselves', async () => {
    const found = await problems(config(`'prox:tagOnce': { category: 'tag', label: 'mine' }`));
    expect(found).toEqual([
      'prox.json5:2:14: plugins["prox:tagOnce"]: names that begin with `prox:` belong to ready-made plugins; expected another name',
    ]);
  });
});

describe('lists of plugins', () => {
  const declared = `a: { category: 'tag', label: 'a' }, b: { category: 'tag', label: 'b' }, c: { category: 'tag', label: 'c' }`;

  it('are merged in the order service, action, route, each name once', async () => {
    const { services } = await loadText(
      config(
        declared,
        `plugins: ['a', 'b'], action: { type: 'static', status: 200, plugins: ['c'] }`,
        `plugins: ['b', 'prox:tagOnce'],`,
      ),
    );
    expect(services[0]?.routes[0]?.plugins).toEqual(['b', 'prox:tagOnce', 'c', 'a']);
  });

  it.each([
    [
      `['a', 'b', 'a']`,
      'services.web.routes[0].plugins[2]: the plugin `a` is listed twice; it runs once, at its first place',
    ],
    [
      `['prox:tagOnce', 'pingap:tagOnce']`,
      'services.web.routes[0].plugins[1]: the plugin `pingap:tagOnce` is listed twice; it runs once, at its first place',
    ],
  ])('are warned of when they hold a name twice: %s', async (list, message) => {
    expect(await warnings(config(declared, `action: 'site', plugins: ${list}`))).toEqual([message]);
  });

  it.each([
    [`plugins: ['a'], action: { type: 'drop' }`, 'plugins: `a` would never run: a drop action closes'],
    [`action: { type: 'drop', plugins: ['a'] }`, 'action: `a`, of the action, would never run: a drop action closes'],
    [
      `match: { domain: 'a.example' }, plugins: ['a'], action: { type: 'pass', upstream: 'a:1' }`,
      'plugins: `a` would never run: a pass action relays bytes that prox does not decrypt',
    ],
  ])('are refused where there is no request: %s', async (route, message) => {
    const found = await problems(config(declared, route));
    expect(found).toEqual([found[0]]);
    expect(found[0]).toContain(message);
  });

  it('of a service leave such routes out', async () => {
    expect(await problems(config(declared, `action: { type: 'drop' }`, `plugins: ['a'],`))).toEqual([]);
  });

  it('of a fallback are warned of, as they do not run there', async () => {
    const text = `{
      plugins: { ${declared} },
      actions: {
        main: { type: 'proxy', upstream: 'a:1', fallback: 'sorry', plugins: ['a'] },
        sorry: { type: 'static', status: 503, plugins: ['a', 'b'] },
      },
      services: { web: { listen: ':1', routes: [{ action: 'main' }] } },
    }`;
    expect(await warnings(text)).toEqual([
      'services.web.routes[0].action: the plugins of its fallback `sorry` do not run here: `b`; list them on the route',
    ]);
  });

  it('bring no targets when they are built in', async () => {
    const route = `plugins: ['a'], action: { type: 'proxy', upstream: 'http://{target}' }, balancer: { type: 'random', targets: [] }`;
    const [found] = await problems(config(declared, route));
    expect(found).toContain('balancer.targets: expected at least one target, or plugins that fill them');
  });
});

describe('a feature that refuses its own ready-made plugin', () => {
  it('is a fault of prox, not a problem of the config', async () => {
    const folder = new ConfigFolder({ 'prox.json5': config('', `action: 'site', plugins: ['prox:broken']`) });
    const broken = TEST_FEATURES.map((feature) => ({ ...feature, readyMade: { broken: { label: 'none' } } }));
    try {
      await expect(loadConfig(folder.at('prox.json5'), broken)).rejects.toThrow('the ready-made plugin prox:broken');
    } finally {
      folder.remove();
    }
  });
});
