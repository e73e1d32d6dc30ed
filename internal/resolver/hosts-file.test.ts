import { expect, it } from 'vitest';
import { isAddress, parseHosts } from './hosts-file.ts';

it('reads addresses and names; comments and lines without an address mean nothing', () => {
  const table = parseHosts(`# comment
127.0.0.1 localhost  Web.Example.Com. web # more
::1\tlocalhost ip6-localhost
10.0.0.1
nonsense name
10.0.0.2 web
10.0.0.2 web
fe80::1%eth0 router
#10.0.0.3 hidden`);
  expect([...table]).toEqual([
    ['localhost', ['127.0.0.1', '::1']],
    ['web.example.com', ['127.0.0.1']],
    ['web', ['127.0.0.1', '10.0.0.2']],
    ['ip6-localhost', ['::1']],
    ['router', ['fe80::1%eth0']],
  ]);
});

it.each([
  ['127.0.0.1', true],
  ['::', true],
  ['2001:DB8::1', true],
  ['::ffff:10.0.0.1', true],
  ['fe80::1%eth0', true],
  ['web', false],
  ['1.2.3', false],
  ['beef', false],
])('%s is an address: %s', (text, expected) => {
  expect(isAddress(text)).toBe(expected);
});
