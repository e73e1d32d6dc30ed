import { describe, expect, it } from 'vitest';
import { Document, joinPath } from './document.ts';

const TEXT = `{
  services: {
    web: { listen: ":80", routes: [ {}, { action: 'a' } ] },
  },
  "odd key": 1,
}`;
const document = new Document('/etc/prox.json5', TEXT);

describe('Document', () => {
  const paths: readonly (readonly [path: readonly PropertyKey[], text: string, line: number, column: number])[] = [
    [[], '', 1, 1],
    [['services'], 'services', 2, 13],
    [['services', 'web', 'listen'], 'services.web.listen', 3, 20],
    [['services', 'web', 'routes', 0], 'services.web.routes[0]', 3, 37],
    [['services', 'web', 'routes', 1, 'action'], 'services.web.routes[1].action', 3, 51],
    [['odd key'], '["odd key"]', 5, 14],
  ];
  it.each(paths)('finds %j', (path, text, line, column) => {
    const { node, missing } = document.follow(0, path);
    expect(missing).toBe(false);
    expect(document.pathOf(node)).toBe(text);
    expect(document.position(document.startOf(node))).toEqual({ file: '/etc/prox.json5', line, column });
  });

  it('stops at the deepest part that exists', () => {
    const { node, missing } = document.follow(0, ['services', 'web', 'tls', 'x']);
    expect(missing).toBe(true);
    expect(document.pathOf(node)).toBe('services.web');
  });

  it('tells the key of a member from its value', () => {
    const { node } = document.follow(0, ['services', 'web']);
    expect(document.position(document.keyStartOf(node))).toMatchObject({ line: 3, column: 5 });
  });

  it('names the nodes below an object and an array in order', () => {
    const { node } = document.follow(0, ['services', 'web', 'routes']);
    expect(document.children(node).map((child) => document.pathOf(child))).toEqual([
      'services.web.routes[0]',
      'services.web.routes[1]',
    ]);
    expect([...document.members(0).keys()]).toEqual(['services', 'odd key']);
  });
});

it('quotes keys that are no plain names in a path', () => {
  expect(joinPath(joinPath(joinPath('', 'a'), 'X-Header'), 'b.c')).toBe('a.X-Header["b.c"]');
});
