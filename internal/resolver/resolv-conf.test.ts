import { describe, expect, it } from 'vitest';
import { candidates, parseResolvConf } from './resolv-conf.ts';

const parse = (text: string, host = 'machine'): ReturnType<typeof parseResolvConf> => parseResolvConf(text, host);

describe('resolv.conf', () => {
  it('names servers, a search list and options; comments and unknown lines mean nothing', () => {
    const text = `# made by hand
; nameserver 9.9.9.9
nameserver 10.0.0.1 # the first
\tnameserver   fe80::1%eth0
sortlist 10.0.0.0/8
search Example.com. corp.example.com
options ndots:5 timeout:3 attempts:4 rotate edns0 timeout:x`;
    expect(parse(text)).toEqual({
      servers: ['10.0.0.1', 'fe80::1%eth0'],
      search: ['example.com', 'corp.example.com'],
      ndots: 5,
      timeout: 3000,
      attempts: 4,
      rotate: true,
    });
  });

  it('that is empty asks this machine', () => {
    expect(parse('')).toEqual({
      servers: ['127.0.0.1'],
      search: [],
      ndots: 1,
      timeout: 2000,
      attempts: 2,
      rotate: false,
    });
  });

  it.each([
    ['the last of domain and search counts', 'search a b\ndomain c d', ['c']],
    ['the domain of the machine is searched when none is named', 'nameserver 10.0.0.1', ['example.org']],
    ['a dot is no domain', 'search .', []],
  ])('%s', (_, text, search) => {
    expect(parse(text, 'www.example.org').search).toEqual(search);
  });

  it.each([
    ['three servers at most', 'nameserver 1.1.1.1\n'.repeat(5), { servers: ['1.1.1.1', '1.1.1.1', '1.1.1.1'] }],
    ['the bounds of options', 'options ndots:99 timeout:0 attempts:99', { ndots: 15, timeout: 1000, attempts: 5 }],
  ])('has %s', (_, text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });
});

describe('the names to ask for', () => {
  const conf = parse('search a.test b.test\noptions ndots:2');
  it.each([
    ['web', ['web.a.test', 'web.b.test', 'web']],
    ['web.x', ['web.x.a.test', 'web.x.b.test', 'web.x']],
    ['web.x.y', ['web.x.y', 'web.x.y.a.test', 'web.x.y.b.test']],
    ['web.', ['web']],
  ])('%s', (name, expected) => {
    expect(candidates(name, conf)).toEqual(expected);
  });
});
