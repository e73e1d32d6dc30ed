import { describe, expect, it } from 'vitest';
import { problemOf } from './invalid-value.ts';
import { listenAddressesClash, parseListenAddress } from './listen-address.ts';

describe('parseListenAddress', () => {
  it.each([
    [':8080', { kind: 'tcp', host: null, port: 8080 }],
    ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['unix:///run/prox.sock', { kind: 'unix', path: '/run/prox.sock' }],
  ])('takes %s', (text, address) => expect(parseListenAddress(text)).toEqual({ ...address, text }));

  it.each([
    ['8080', 'did you mean ":8080"?'],
    ['', 'expected ":8080"'],
    [':', 'expected ":8080"'],
    ['localhost', 'the port is missing'],
    [':70000', 'a port from 0 to 65535'],
    ['::1', 'an IPv6 address goes in brackets'],
    ['[::g]:80', 'an IPv6 address in the brackets'],
    ['*:80', 'all addresses is ":80"'],
    ['1.2.3:80', 'expected ":8080"'],
    ['http://a:80', 'leave the scheme out'],
    ['unix:/run/a', 'an absolute path'],
    ['unix://run/a', 'an absolute path'],
    ['unix:///run/', 'the path of a socket file'],
    [`unix:///${'a'.repeat(107)}`, 'at most 107 bytes'],
  ])('refuses %j', (text, why) => expect(problemOf(parseListenAddress, text)).toContain(why));
});

describe('listenAddressesClash', () => {
  it.each([
    [':80', ':80', true],
    [':80', '0.0.0.0:80', true],
    [':80', '[::]:80', true],
    [':80', '127.0.0.1:80', true],
    ['[::]:80', '127.0.0.1:80', true],
    ['0.0.0.0:80', '127.0.0.1:80', true],
    ['[::1]:80', '[0:0::1]:80', true],
    ['unix:///a', 'unix:///a', true],
    ['0.0.0.0:80', '[::1]:80', false],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    [':80', ':81', false],
    [':0', ':0', false],
    ['unix:///a', 'unix:///b', false],
    ['unix:///a', ':80', false],
  ])('%s and %s: %s', (a, b, clash) => {
    const [first, second] = [parseListenAddress(a), parseListenAddress(b)];
    expect(listenAddressesClash(first, second)).toBe(clash);
    expect(listenAddressesClash(second, first)).toBe(clash);
  });
});
