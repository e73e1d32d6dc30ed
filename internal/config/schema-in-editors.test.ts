import { describe, expect, it } from 'vitest';
import { getLanguageService, TextDocument } from 'vscode-json-languageservice';
import { jsonSchema } from './json-schema.ts';
import { proxySchema } from './schema/action.ts';
import { TEST_FEATURES } from './testing/features.ts';

/** The language service that VS Code runs, and that Neovim and others take from it. */
const service = getLanguageService({
  // For files that name the schema themselves.
  schemaRequestService: () => Promise.resolve(JSON.stringify(jsonSchema(TEST_FEATURES))),
});
service.configure({
  allowComments: true,
  schemas: [{ uri: 'prox://schema', fileMatch: ['*'], schema: jsonSchema(TEST_FEATURES) }],
});

const TYPES = ['"proxy"', '"static"', '"serve"', '"pass"', '"drop"'];

/** What an editor offers at the `|` of a text. */
async function offered(text: string): Promise<string[]> {
  const offset = text.indexOf('|');
  const document = TextDocument.create('file:///prox.json5', 'jsonc', 1, text.replace('|', ''));
  const list = await service.doComplete(document, document.positionAt(offset), service.parseJSONDocument(document));
  return (list?.items ?? []).map(({ label }) => label);
}

/** What an editor marks in a text. */
async function marked(text: string): Promise<string[]> {
  const document = TextDocument.create('file:///prox.json5', 'jsonc', 1, text);
  const problems = await service.doValidation(document, service.parseJSONDocument(document), {
    comments: 'ignore',
    trailingCommas: 'ignore',
  });
  return problems.map(({ range, message }) => {
    const text = typeof message === 'string' ? message : message.value;
    return `${document.getText(range)}: ${text}`;
  });
}

/** What an editor tells when the mouse rests on the `|` of a text. */
async function hovered(text: string): Promise<string> {
  const offset = text.indexOf('|');
  const document = TextDocument.create('file:///prox.json5', 'jsonc', 1, text.replace('|', ''));
  const hover = await service.doHover(document, document.positionAt(offset), service.parseJSONDocument(document));
  // It is Markdown, in which characters are escaped.
  return JSON.stringify(hover?.contents).replaceAll('\\', '');
}

function route(action: string): string {
  return `{ "services": { "web": { "listen": ":1", "routes": [{ "action": ${action} }] } } }`;
}

describe('an editor offers', () => {
  it.each([
    ['in place', route('{ "type": | }')],
    ['between quotes', route('{ "type": "|" }')],
    ['for another one', route('{ "type": "drop|" }')],
    ['of a shared action', '{ "services": {}, "actions": { "a": { "type": | } } }'],
    ['in a service file', '{ "listen": ":1", "routes": [{ "action": { "type": | } }] }'],
    ['in a list of routes', '[{ "action": { "type": | } }]'],
    ['in a file of routes', '{ "routes": [{ "action": { "type": | } }] }'],
  ])('every type of action: %s', async (_, text) => {
    expect(await offered(text)).toEqual(TYPES);
  });

  it('only the type, before there is one', async () => {
    expect(await offered(route('{ | }'))).toEqual(['type']);
  });

  const common = ['plugins', 'access_log'];
  it.each([
    ['proxy', Object.keys(proxySchema.shape).filter((key) => key !== 'type')],
    ['static', ['status', 'headers', 'body_ref', ...common]],
    ['serve', ['root', 'file', 'cache', ...common]],
    ['pass', ['upstream', 'proxy_protocol', ...common]],
    ['drop', common],
  ])('for %s its own keys and no others', async (type, keys) => {
    const labels = await offered(route(`{ "type": "${type}", | }`));
    // Keys that a later version adds to one type are its own, too.
    expect(labels).toEqual(expect.arrayContaining(keys));
    const others = { static: 'upstream', serve: 'status', proxy: 'root', pass: 'headers', drop: 'upstream' };
    expect(labels).not.toContain(others[type as keyof typeof others]);
  });

  it.each([
    ['the keys of a config', '{ | }', ['services', 'actions', 'resources', 'logging']],
    ['the keys of a service', '{ "services": { "a": { | } } }', ['listen', 'tls', 'routes', 'config']],
    ['the keys of a route', '[{ | }]', ['match', 'action', 'balancer', 'speed']],
    ['an object for a route', '{ "routes": [|] }', ['{}']],
    ['an object for an action', '[{ "action": | }]', ['{}']],
    ['the keys of a body', route('{ "type": "static", "status": 200, "body_ref": { | } }'), ['text', 'json', 'file']],
    ['the balancers', '[{ "action": "a", "balancer": { "type": | } }]', ['"roundrobin"', '"leastconn"']],
    ['the categories', '{ "services": {}, "plugins": { "a": { "category": | } } }', ['"tag"']],
    [
      'the keys of a category',
      '{ "services": {}, "plugins": { "a": { "category": "tag", | } } }',
      ['label', 'times', 'step'],
    ],
    ['the keys of a plugin', '{ "services": {}, "plugins": { "a": { | } } }', ['category', 'path']],
    ['a default', route('{ "type": "serve", "cache": { "max_age": | } }'), ['"1s"']],
  ])('%s', async (_, text, labels) => {
    expect(await offered(text)).toEqual(expect.arrayContaining(labels));
  });
});

describe('an editor marks', () => {
  it('a type that does not exist, names all that do, and marks nothing else', async () => {
    expect(await marked(route('{ "type": "redirect", "to": "/b" }'))).toEqual([
      `"redirect": Value is not accepted. Valid values: ${TYPES.join(', ')}.`,
    ]);
  });

  it.each([
    ['a key of another type', '{ "type": "drop", "status": 200 }', '"status": Property status is not allowed.'],
    ['a key that is missing', '{ "type": "proxy" }', '"action": Missing property "upstream".'],
    ['a type that is missing', '{ "upstream": "a:1" }', '"action": Missing property "type".'],
    [
      'a value of the wrong kind',
      '{ "type": "static", "status": "200" }',
      '"200": Incorrect type. Expected "integer".',
    ],
    ['what is neither a name nor an action', '5', '5: Incorrect type. Expected "string".'],
  ])('%s, once', async (_, action, problem) => {
    expect(await marked(route(action))).toEqual([problem]);
  });

  it('a key that does not exist', async () => {
    expect(await marked('{ "services": {}, "loging": {} }')).toEqual(['"loging": Property loging is not allowed.']);
  });
});

describe('an editor tells', () => {
  it.each([
    ['what a key means, and its default', '{ "services": {}, "logging": { "le|vel": "info" } }', 'Default: info.'],
    ['what each type is, before there is one', route('{ "ty|pe": "" }'), 'Closes the connection without an answer.'],
    ['what a type does', route('{ "type": "ser|ve", "root": "." }'), 'Serves files.'],
  ])('%s', async (_, text, words) => {
    expect(await hovered(text)).toContain(words);
  });
});
