import { describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { readTarget, type RequestTarget } from '../message/index.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader } from './index.ts';
import { bytesOf } from './testing/expect-wire.ts';

/** Authority, path and query in brackets, or the code of the error. */
function targetOf(wire: string): string {
  const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  const bytes = bytesOf(`${wire}\r\n\r\n`);
  const into: RequestTarget = { authority: 'old', path: 'old', query: 'old' };
  try {
    expect(head.feed(bytes, 0, bytes.length)).toBe(bytes.length);
    readTarget(head, into);
  } catch (error) {
    if (error instanceof ProxyError) return error.code;
    throw error;
  }
  return `[${into.authority}] [${into.path}] [${into.query}]`;
}

const WITH_HOST: readonly [name: string, method: string, target: string, expected: string][] = [
  // origin-form, RFC 9112 §3.2.1
  ['origin-form', 'GET', '/', '[host] [/] []'],
  ['a path as it was sent', 'GET', '/a//b/../%41;x=1', '[host] [/a//b/../%41;x=1] []'],
  ['a query', 'GET', '/a?b=c?d', '[host] [/a] [?b=c?d]'],
  ['an empty query', 'GET', '/a?', '[host] [/a] [?]'],
  ['a query behind the root', 'GET', '/?b', '[host] [/] [?b]'],
  ['a path that looks like an authority', 'GET', '//evil/x', '[host] [//evil/x] []'],
  ['a path that looks like a URI', 'GET', '/http://evil/x', '[host] [/http://evil/x] []'],
  ['a colon and an at sign in a path', 'GET', '/a:b@c', '[host] [/a:b@c] []'],
  // absolute-form, §3.2.2: it wins over Host
  ['absolute-form', 'GET', 'http://other/a?b', '[other] [/a] [?b]'],
  ['absolute-form that agrees with Host', 'GET', 'http://host/a', '[host] [/a] []'],
  ['absolute-form with https', 'GET', 'https://other:8443/', '[other:8443] [/] []'],
  ['absolute-form with a scheme in upper case', 'GET', 'HTTP://Other/', '[Other] [/] []'],
  ['absolute-form without a path', 'GET', 'http://other', '[other] [/] []'],
  ['absolute-form of a query alone', 'GET', 'http://other?b', '[other] [/] [?b]'],
  ['absolute-form with an IPv6 address', 'GET', 'http://[::1]:80/a', '[[::1]:80] [/a] []'],
  ['a slash in a query', 'GET', 'http://other?b/c', '[other] [/] [?b/c]'],
  ['absolute-form with user information, RFC 9110 §4.2.4', 'GET', 'http://user@other/', 'bad_target'],
  ['absolute-form with a password', 'GET', 'http://host:80@other/', 'bad_target'],
  ['absolute-form without a host, RFC 9110 §4.2.1', 'GET', 'http:///a', 'bad_target'],
  ['absolute-form of a port alone', 'GET', 'http://:80/a', 'bad_target'],
  ['absolute-form with a backslash in its host', 'GET', 'http://other\\a/', 'bad_target'],
  ['another scheme', 'GET', 'ftp://other/', 'bad_target'],
  ['a scheme without slashes', 'GET', 'http:other', 'bad_target'],
  ['a scheme with one slash', 'GET', 'http:/other', 'bad_target'],
  // asterisk-form, §3.2.4
  ['asterisk-form', 'OPTIONS', '*', '[host] [*] []'],
  ['asterisk-form for another method', 'GET', '*', 'bad_target'],
  ['text behind the asterisk', 'OPTIONS', '*a', 'bad_target'],
  ['OPTIONS in origin-form', 'OPTIONS', '/', '[host] [/] []'],
  ['OPTIONS of a whole server in absolute-form', 'OPTIONS', 'http://other', '[other] [*] []'],
  ['OPTIONS of a root in absolute-form', 'OPTIONS', 'http://other/', '[other] [/] []'],
  ['OPTIONS with a query in absolute-form', 'OPTIONS', 'http://other?b', '[other] [/] [?b]'],
  // authority-form, §3.2.3
  ['authority-form', 'CONNECT', 'other:443', '[other:443] [] []'],
  ['authority-form with an IPv6 address', 'CONNECT', '[::1]:443', '[[::1]:443] [] []'],
  ['authority-form without a port', 'CONNECT', 'other', 'bad_target'],
  ['authority-form with an empty port', 'CONNECT', 'other:', 'bad_target'],
  ['authority-form with user information', 'CONNECT', 'user@other:443', 'bad_target'],
  ['authority-form with a path', 'CONNECT', 'other:443/', 'bad_target'],
  ['CONNECT in origin-form', 'CONNECT', '/a', 'bad_target'],
  ['CONNECT in absolute-form', 'CONNECT', 'http://other:80', 'bad_target'],
  ['authority-form for another method', 'GET', 'other:443', 'bad_target'],
  ['neither of the four', 'GET', 'a', 'bad_target'],
  ['a query alone', 'GET', '?a', 'bad_target'],
];

const HOSTS: readonly [name: string, wire: string, expected: string][] = [
  ['none in HTTP/1.1', 'GET / HTTP/1.1', 'bad_host'],
  ['none in HTTP/1.1, with absolute-form', 'GET http://a/ HTTP/1.1', 'bad_host'],
  ['none in HTTP/1.0', 'GET / HTTP/1.0', '[] [/] []'],
  ['one in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a', '[a] [/] []'],
  ['two', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b', 'bad_host'],
  ['two that agree', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a', 'bad_host'],
  ['two in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nhost: a', 'bad_host'],
  ['two, with absolute-form', 'GET http://c/ HTTP/1.1\r\nHost: a\r\nhost: b', 'bad_host'],
  ['a malformed one, with absolute-form', 'GET http://a/ HTTP/1.1\r\nHost: a b', 'bad_host'],
  ['a malformed one, with CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a@b', 'bad_host'],
  ['a list', 'GET / HTTP/1.1\r\nHost: a, b', 'bad_host'],
  ['an empty one', 'GET / HTTP/1.1\r\nHost:', 'bad_host'],
  ['a port', 'GET / HTTP/1.1\r\nHost: a:8080', '[a:8080] [/] []'],
];

const AUTHORITIES: readonly [text: string, valid: boolean][] = [
  ['a', true],
  ['A.example-1.com.', true],
  ["!$&'()*+,;=_~", true],
  ['%41', true],
  ['a:80', true],
  ['a:', true],
  ['a:0080', true],
  ['a:65535', true],
  ['127.0.0.1:80', true],
  ['[::1]', true],
  ['[::]', true],
  ['[1:2:3:4:5:6:7:8]', true],
  ['[1:2:3:4:5:6:7::]', true],
  ['[1:2:3:4:5:6:1.2.3.4]', true],
  ['[::1]:80', true],
  ['[::ffff:1.2.3.4]:', true],
  ['[v1.a:b]', true],
  [':80', false],
  ['a:65536', false],
  ['a:99999999999999999999', false],
  ['a:80:80', false],
  ['a:x', false],
  ['a:-1', false],
  ['a:+1', false],
  ['a: 80', false],
  ['::1', false],
  ['user@a', false],
  ['user:pass@a', false],
  ['a/b', false],
  ['a?b', false],
  ['a#b', false],
  ['a\\b', false],
  ['a b', false],
  ['a\tb', false],
  ['<a>', false],
  ['"a"', false],
  ['{a}', false],
  ['a|b', false],
  ['%', false],
  ['%4', false],
  ['%zz', false],
  ['\xe4', false],
  ['[]', false],
  ['[:::::::]', false],
  ['[1:2:3:4:5:6:7]', false],
  ['[1:2:3:4:5:6:7:8:9]', false],
  ['[1::2::3]', false],
  ['[12345::]', false],
  ['[::1.2.3.256]', false],
  ['[1.2.3.4::]', false],
  ['[::1', false],
  ['::1]', false],
  ['[::1]a', false],
  ['[::1]:x', false],
  ['[::1]:65536', false],
  ['[::1%25eth0]', false],
  ['[a]b]', false],
  ['a[::1]', false],
  ['[[::1]]', false],
  ['[v1]', false],
  ['[g]', false],
];

describe('readTarget, RFC 9112 §3.2', () => {
  it.each(WITH_HOST)('%s', (_name, method, target, expected) => {
    expect(targetOf(`${method} ${target} HTTP/1.1\r\nHost: host`)).toBe(expected);
  });
});

describe('Host, RFC 9112 §3.2', () => {
  it.each(HOSTS)('%s', (_name, wire, expected) => {
    expect(targetOf(wire)).toBe(expected);
  });

  it.each(AUTHORITIES)('%j: %s', (text, valid) => {
    expect(targetOf(`GET / HTTP/1.1\r\nHost: ${text}`)).toBe(valid ? `[${text}] [/] []` : 'bad_host');
  });
});
