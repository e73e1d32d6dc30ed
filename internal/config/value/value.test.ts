import { describe, expect, it } from 'vitest';
import { parseByteSize } from './byte-size.ts';
import { parseCidr } from './cidr.ts';
import { parseDomainPattern } from './domain-pattern.ts';
import { parseDuration } from './duration.ts';
import { checkFieldName, checkFieldValue, checkHostValue, parseMethod } from './header-field.ts';
import { problemOf } from './invalid-value.ts';
import { didYouMean, suggestion } from './nearest.ts';
import { parsePathPatterns } from './path-pattern.ts';
import { checkStaticTemplate, fillUpstream, upstreamPlaceholders } from './template.ts';
import { parsePassUpstream, parseProxyUpstream } from './upstream-address.ts';

const DAY_MS = 86_400_000;

describe('parseDuration', () => {
  it.each([
    ['1m30s', 90_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['100us', 1],
    ['1500us', 2],
    ['2000\u00b5s', 2],
    ['2000\u03bcs', 2],
    ['1ns', 1],
    ['0', 0],
    ['0s', 0],
    ['+5s', 5000],
    ['.5s', 500],
    ['1.1s', 1100],
    [30, 30_000],
    [0.25, 250],
    [0, 0],
    [1.1, 1100],
    ['576h', 24 * DAY_MS],
    ['600h', 24 * DAY_MS],
    ['876000h', 24 * DAY_MS],
    [2 ** 31, 24 * DAY_MS],
  ])('reads %s as %d ms', (value, ms) => expect(parseDuration(value)).toBe(ms));

  it.each([
    ['30', 'the unit is missing'],
    ['', 'expected a duration'],
    ['-', 'expected a duration'],
    ['1d', 'the units are'],
    ['1s 2m', 'expected a duration'],
    ['fast', 'expected a duration'],
    ['-1s', 'must not be negative'],
    [-1, 'must not be negative'],
    ['900000h', 'at most 876000h'],
    [1e300, 'at most 876000h'],
  ])('refuses %j', (value, why) => expect(problemOf(parseDuration, value)).toContain(why));
});

describe('parseByteSize', () => {
  it.each([
    ['10m', 10_485_760],
    ['1K', 1024],
    ['1.5k', 1536],
    ['2 GiB', 2_147_483_648],
    ['10mb', 10_000_000],
    ['10MiB', 10_485_760],
    ['1kb', 1000],
    ['1kib', 1024],
    ['3gb', 3_000_000_000],
    ['3G', 3_221_225_472],
    ['7b', 7],
    ['512', 512],
    [4096, 4096],
  ])('reads %s as %d', (value, bytes) => expect(parseByteSize(value)).toBe(bytes));
  it.each(['', 'm', '10x', '10mx', '-1', '0', 0, -5, 0.5, 1.5, '0.4', '1e3', '9999999999g'])('refuses %j', (value) =>
    expect(problemOf((text) => parseByteSize(text), value)).toContain('expected a size such as "10m"'),
  );

  it.each([
    [{ min: 0 }, 0, null],
    [{ min: 0 }, '0', null],
    [{ min: 1024, max: 4096 }, '1k', null],
    [
      { min: 1024, max: 4096 },
      '5k',
      'expected a size such as "10m" (k, m, g), or a number of bytes from 1024 to 4096, found the string "5k"',
    ],
    [{ min: 1024, max: 4096, zero: true }, 0, null],
    [
      { min: 1024, max: 4096, zero: true },
      9,
      'expected a size such as "10m" (k, m, g), a number of bytes from 1024 to 4096, or 0, found the number 9',
    ],
    [
      { min: 1 },
      '10 megs',
      'expected a size such as "10m" (k, m, g), or a number of bytes above 0, found the string "10 megs": the units are k, m, g, kib, mib, gib (powers of 1024) and kb, mb, gb (powers of 1000)',
    ],
  ])('within %j, for %s says %s', (range, value, problem) =>
    expect(problemOf((text) => parseByteSize(text, range), value)).toBe(problem),
  );
});

describe('parseDomainPattern', () => {
  it.each([
    ['example.com', 'example.com'],
    ['Example.COM.', 'example.com'],
    ['*.example.com', '*.example.com'],
    ['*.*.example.com', '*.*.example.com'],
    ['cdn-*.example.com', 'cdn-*.example.com'],
    ['*-prod.example.com', '*-prod.example.com'],
    ['*.storage.**', '*.storage.**'],
    ['cdn-*.**', 'cdn-*.**'],
    ['*.**', '*.**'],
    ['_dmarc.xn--bcher-kva.example', '_dmarc.xn--bcher-kva.example'],
    ['127.0.0.1', '127.0.0.1'],
  ])('takes %s', (pattern, result) => expect(parseDomainPattern(pattern)).toBe(result));
  it.each([
    ['', 'it is empty'],
    ['localhost', 'at least two labels'],
    ['**', 'use "*.**" for every domain'],
    ['*', 'use "*.**" for every domain'],
    ['a..b', 'a label is empty'],
    ['a.b..', 'a label is empty'],
    ['**.example.com', 'only as the last label'],
    ['x.a**', 'must be a whole label'],
    ['a*b*.example.com', 'at most one `*`'],
    ['a b.example.com', 'has a character other than'],
    ['example.com:443', 'leave the port out'],
    ['https://example.com', 'leave the scheme out'],
    ['example.com/a', 'a path goes into `path`'],
    ['a.example.com, b.example.com', 'one pattern only'],
    ['bücher.example', 'write it in its ASCII form, "xn--bcher-kva.example"'],
    [`${'a'.repeat(64)}.example`, 'at most 63 characters'],
    [`${'a.'.repeat(130)}example`, 'at most 253 characters'],
  ])('refuses %j', (pattern, why) => expect(problemOf(parseDomainPattern, pattern)).toContain(why));
});

describe('parsePathPatterns', () => {
  it.each([
    ['/health', ['/health']],
    ['/', ['/']],
    ['/*', ['/*']],
    ['/api/*, /v1/* ,/x', ['/api/*', '/v1/*', '/x']],
    ['/%7euser/%2f/a b', ['/~user/%2F/a%20b']],
    ['/café', ['/caf%C3%A9']],
    ['/.well-known/*', ['/.well-known/*']],
    ['/a//b', ['/a//b']],
    ['/...', ['/...']],
  ])('reads %s', (text, patterns) => expect(parsePathPatterns(text)).toEqual(patterns));
  it.each([
    ['', 'it is empty'],
    ['/a,,/b', 'nothing between two commas'],
    ['api', 'must begin with "/"'],
    ['/a?b', 'the query'],
    ['/a*', '`*` is allowed only as the end of "/*"'],
    ['/a/*/b', '`*` is allowed only as the end of "/*"'],
    ['/a/../b', '"." and ".." are resolved'],
    ['/a/%2e%2E/*', '"." and ".." are resolved'],
    ['/a/.', '"." and ".." are resolved'],
    ['/%zz', '"%" must begin two hex digits'],
    ['/%00', 'holds %00'],
    ['/a\nb', 'a control character'],
  ])('refuses %j', (text, why) => expect(problemOf(parsePathPatterns, text)).toContain(why));
});

describe('header fields', () => {
  it.each(['X-Test', 'Host', 'x_y'])('takes the name %s', (name) => expect(problemOf(checkFieldName, name)).toBeNull());
  it.each(['', 'a b', 'a:', 'é', 'a\n'])('refuses the name %j', (name) =>
    expect(problemOf(checkFieldName, name)).toContain('expected a header name'),
  );
  it.each(['Content-Length', 'transfer-encoding', 'CONNECTION', 'Upgrade', 'HTTP2-Settings'])(
    'leaves %s to prox',
    (name) => expect(problemOf(checkFieldName, name)).toContain('cannot be set by hand'),
  );
  it.each(['', 'a b\tc', 'caf\u00e9'])('takes the value %j', (value) =>
    expect(problemOf(checkFieldValue, value)).toBeNull(),
  );
  it.each([
    ['a\r\nX: y', 'U+000D'],
    ['\0', 'U+0000'],
    ['\u010a', 'U+010A'],
    ['😀', 'U+1F600'],
  ])('refuses the value %j', (value, code) => expect(problemOf(checkFieldValue, value)).toContain(code));
  it.each(['example.com', 'a:80', '[::1]:80'])('takes %s as Host', (value) =>
    expect(problemOf(checkHostValue, value)).toBeNull(),
  );
  it.each(['', 'a b', 'a/b', 'user@a'])('refuses %j as Host', (value) =>
    expect(problemOf(checkHostValue, value)).not.toBeNull(),
  );
  it('takes methods in any case', () => {
    expect(parseMethod('PROPFIND')).toBe('PROPFIND');
    expect(parseMethod('get')).toBe('GET');
    expect(problemOf(parseMethod, 'GET /')).toContain('expected an HTTP method');
  });
});

describe('parseCidr', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['127.0.0.1', '127.0.0.1/32'],
    ['::1', '::1/128'],
    ['FD00:0::1/8', 'fd00::/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('reads %s as %s', (text, cidr) => expect(parseCidr(text)).toBe(cidr));
  it.each(['', '0x7f.1', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', 'localhost'])(
    'refuses %j',
    (text) => expect(problemOf(parseCidr, text)).toContain('expected an address or a range'),
  );
});

describe('upstreams', () => {
  it.each([
    'localhost',
    'localhost:3000',
    '[::1]:80',
    'a:1/api',
    'http://a',
    'https://a:8443/api',
    'HTTP://a',
    'wss://a',
    'unix:///run/a.sock',
  ])('proxy takes %s', (text) => expect(problemOf(parseProxyUpstream, text)).toBeNull());
  it.each([
    ['http://', 'the host is missing'],
    ['ftp://a', 'the scheme `ftp` is not known'],
    ['http://u:p@a', 'a user name'],
    ['http://a/?x', 'a query'],
    ['http://a?x', 'the host or the port is malformed'],
    ['a:0', 'from 1 to 65535'],
    ['a:70000', 'from 1 to 65535'],
    ['a:b', 'malformed'],
    ['::1', 'in brackets'],
    ['[::g]:1', 'no IPv6 address'],
    ['unix://run/a', 'an absolute path'],
    ['http://a/ b', 'percent-encoded'],
  ])('proxy refuses %s', (text, why) => expect(problemOf(parseProxyUpstream, text)).toContain(why));
  it('pass takes an address with a port alone', () => {
    expect(problemOf(parsePassUpstream, 'localhost')).toContain('the port is missing');
    expect(problemOf(parsePassUpstream, '10.0.0.5:443')).toBeNull();
    expect(problemOf(parsePassUpstream, 'unix:///run/a.sock')).toBeNull();
    expect(problemOf(parsePassUpstream, 'https://a')).toContain('the scheme `https` is not known here');
  });
  it('are templates', () => {
    expect(upstreamPlaceholders('http://{target}:{port}/{port}')).toEqual(['target', 'port']);
    expect(fillUpstream('{target}:{port}{x}', { port: '$&', target: 'a' })).toBe('a:$&{x}');
  });
});

describe('static templates', () => {
  it.each([
    'plain',
    '{domain} {match.glob}',
    'https://{host}{path}?{query} {uri} {scheme}://{client}',
    '{"a":1} {"a": {"b": "{path}"}}',
    'body{color:red} a { color: red } @media{a{}}',
    'if (a) {return b} else {}',
    'function f() { return {a, b}; }',
    '{{name}} {{ name }} {Name} {ID} {1} {}',
  ])('take %s', (text) => expect(problemOf(checkStaticTemplate, text)).toBeNull());
  it.each([
    ['{domian}', 'did you mean `{domain}`?'],
    ['{match.host}', 'unknown placeholder `{match.host}`'],
    ['{tls.client.name}', 'unknown placeholder `{tls.client.name}`'],
    ['{Method}', 'did you mean `{method}`?'],
    ['/users/{id}', 'unknown placeholder `{id}`; known: `{domain}`, '],
    ['{name}', 'unknown placeholder `{name}`'],
    ['{host}{qery}', 'did you mean `{query}`?'],
  ])('refuse %s', (text, why) => expect(problemOf(checkStaticTemplate, text)).toContain(why));
});

describe('suggestions', () => {
  it.each([
    ['upstraem', '; did you mean `upstream`?'],
    ['Listen', '; did you mean `listen`?'],
    ['tlscert', '; did you mean `tls_cert`?'],
    ['zzz', ''],
  ])('%s', (name, hint) => expect(didYouMean(name, ['upstream', 'listen', 'tls_cert'])).toBe(hint));
  it('list what is known when nothing is near', () => {
    expect(suggestion('zzz', ['a', 'b'], 'known')).toBe('; known: `a`, `b`');
    expect(suggestion('zzz', [], 'known')).toBe('');
    const many = Array.from({ length: 50 }, (_, index) => `name${index}`);
    expect(suggestion('completely-else', many, 'known')).toContain('`name39` and 10 more');
  });
});
