import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from './json-schema.ts';
import { readJson5 } from './json5-reader.ts';
import { TEST_FEATURES } from './testing/features.ts';

/** With `strict`, it refuses a schema that leaves anything to guesses: unknown keywords, keywords without a type … */
const accepts = new Ajv({ strict: true }).compile(jsonSchema(TEST_FEATURES));

function accepted(text: string): boolean {
  return accepts(readJson5(text).value);
}

const DROP = `{ action: { type: 'drop' } }`;

function service(rest: string, routes = DROP): string {
  return `{ services: { a: { listen: ':1', routes: [${routes}], ${rest} } } }`;
}

describe('the JSON Schema, for a strict validator,', () => {
  it.each([
    ['a duration with a unit that does not exist', service(`config: { idle_timeout: '1d' }`)],
    ['a duration without a unit', service(`config: { idle_timeout: '30' }`)],
    ['a duration that is no text and no number', service(`config: { idle_timeout: true }`)],
    ['a size with a unit that does not exist', service(`config: { max_body_bytes: '10x' }`)],
    ['a size below its bound', service(`config: { max_header_bytes: 5 }`)],
    ['a number above its bound', service(`config: { max_headers: 70000 }`)],
    ['an unknown key of a service', service(`lisen: ':2'`)],
    ['an unknown key of a route', service('', `{ action: 'a', mach: {} }`)],
    ['an unknown type of action', service('', `{ action: { type: 'redirect', to: '/' } }`)],
    ['an action without a type', service('', `{ action: { upstream: 'a:1' } }`)],
    ['a key of another action', service('', `{ action: { type: 'drop', status: 200 } }`)],
    ['a proxy without an upstream', service('', `{ action: { type: 'proxy' } }`)],
    ['a status that does not exist', service('', `{ action: { type: 'static', status: 99 } }`)],
    [
      'a body that is neither a name nor a resource',
      service('', `{ action: { type: 'static', status: 200, body_ref: 5 } }`),
    ],
    ['an unknown balancer', service('', `{ action: 'a', balancer: { type: 'fastest' } }`)],
    ['a route without an action', service('', `{ match: { path: '/' } }`)],
    ['a service without an address', `{ services: { a: { routes: [${DROP}] } } }`],
    ['a root without services', `{ logging: {} }`],
    ['a service file with a wrong key', `{ listen: ':1', routes: [${DROP}], services: {} }`],
    ['a file of routes with a wrong key', `{ routes: [${DROP}], more: 1 }`],
    ['a list of what is no route', `[5]`],
    ['a text', `'x'`],
    ['an unknown category', service('').replace('{', `{ plugins: { a: { category: 'tog', label: 'x' } }, `)],
    ['an unknown key of a category', service('').replace('{', `{ plugins: { a: { category: 'tag', lable: 'x' } }, `)],
    ['a plugin without a path', service('').replace('{', `{ plugins: { a: { autostart: true } }, `)],
    [
      'a plugin with the path and a category',
      service('').replace('{', `{ plugins: { a: { category: 'tag', label: 'x', path: '.' } }, `),
    ],
    ['a plugin that is a text', service('').replace('{', `{ plugins: { a: 'b' }, `)],
  ])('refuses %s', (_, text) => {
    expect(accepted(text)).toBe(false);
  });

  it.each([
    ['a program', `{ path: './a' }`],
    ['a middleware', `{ category: 'tag', label: 'x', times: 2, remark: 'why' }`],
  ])('accepts %s as a plugin', (_, entry) => {
    expect(accepted(service('').replace('{', `{ plugins: { a: ${entry} }, `))).toBe(true);
  });
});
