import { describe, expect, it } from 'vitest';
import { ProxyError } from '../../base/index.ts';
import { type HeadLimits } from '../../http1/index.ts';
import { CHUNKED, DEFAULT_PATH_RULES, FieldId, Fields, NO_BODY } from '../../message/index.ts';
import { ReceivedRequest } from '../received-request.ts';
import { acceptsTrailers, protocolOf, readHttp2Request } from './describe-http2-request.ts';

const LIMITS: HeadLimits = { maxHeaderBytes: 400, maxHeaders: 4, maxTargetBytes: 40 };

interface Wish {
  readonly method?: string;
  readonly scheme?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly protocol?: string;
  /** Name, value, name, value … */
  readonly fields?: readonly string[];
  /** Whether the stream ends with the section; it does. */
  readonly ended?: boolean;
}

/** A field section; what is undefined is left out. */
function section(wish: Wish): string[] {
  const pseudo = { method: 'GET', scheme: 'https', authority: 'a.test', path: '/', ...wish };
  const pairs: string[] = [];
  for (const name of ['method', 'scheme', 'authority', 'path', 'protocol'] as const) {
    const value = pseudo[name];
    if (value !== undefined) pairs.push(`:${name}`, value);
  }
  return [...pairs, ...(wish.fields ?? [])];
}

/** The client is not asked, and the service only how it reads paths. */
class BlankRequest extends ReceivedRequest {
  readonly modern = true;
  readonly protocol = 'HTTP/2.0';
  readonly acceptsTrailers = false;
  protected readonly client = {} as never;
}

function blank(): BlankRequest {
  return new BlankRequest({ limits: DEFAULT_PATH_RULES } as never, new Fields());
}

function read(wish: Wish, limits = LIMITS): BlankRequest {
  const request = blank();
  readHttp2Request(section(wish), wish.ended ?? true, limits, request);
  return request;
}

/** The code of the error, or `accepted`. */
function codeOf(wish: Wish, limits = LIMITS): string {
  try {
    read(wish, limits);
  } catch (error) {
    if (error instanceof ProxyError) return error.code;
    throw error;
  }
  return 'accepted';
}

const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']).flat();

describe('a request of HTTP/2', () => {
  it('is what its pseudo-fields say', () => {
    const request = read({ method: 'PUT', authority: 'A.Test:8443', path: '/a/../%62?q=/../1', fields: ['x', 'y'] });
    expect(request).toMatchObject({ method: 'PUT', authority: 'A.Test:8443', host: 'a.test', path: '/b' });
    expect(request.query).toBe('?q=/../1');
    expect([...request.requestFields.entries()]).toEqual([['x', 'y']]);
  });

  it('counts its head as the text of it would be', () => {
    const text = ':method: GET\r\n:scheme: https\r\n:authority: a.test\r\n:path: /\r\nx-a: 12\r\n';
    expect(read({ fields: ['x-a', '12'] }).bytesIn).toBe(text.length);
  });

  it('is logged with its method and authority though it is refused', () => {
    const request = blank();
    const pairs = section({ method: 'POST', authority: 'a b', path: '/' });
    expect(() => readHttp2Request(pairs, true, LIMITS, request)).toThrow(ProxyError);
    expect(request).toMatchObject({ method: 'POST', authority: 'a b' });
    expect(request.bytesIn).toBeGreaterThan(40);
  });
});

describe('the path of a request of HTTP/2', () => {
  it.each<[wish: Wish, path: string, query: string]>([
    [{ path: '/' }, '/', ''],
    [{ path: '/?' }, '/', '?'],
    [{ path: '/a?b?c' }, '/a', '?b?c'],
    [{ path: '/%7Ea' }, '/~a', ''],
    [{ path: '//a/%2e%2e/b%2Fc?//' }, '/b/c', '?//'],
    [{ path: '/\xe9?\xe9' }, '/%E9', '?%E9'],
    [{ method: 'OPTIONS', path: '*' }, '*', ''],
    [{ scheme: 'HTTP', path: '/' }, '/', ''],
    [{ method: 'CONNECT', protocol: 'websocket', path: '/chat?x' }, '/chat', '?x'],
  ])('of %o is %s', (wish, path, query) => {
    const request = read(wish);
    expect([request.path, request.query]).toEqual([path, query]);
  });

  it('goes on with its slashes as they were sent', () => {
    expect(read({ path: '//a/%2e%2e/b%2fc?//' }).forwardPath).toBe('//b%2Fc');
    expect(read({ method: 'OPTIONS', path: '*' }).forwardPath).toBe('*');
  });

  it.each<[why: string, wish: Wish]>([
    ['a blank, which would end the target in HTTP/1.1', { path: '/a b' }],
    ['a tab', { path: '/a\tb' }],
    ['CRLF', { path: '/ HTTP/1.1\r\nX: y' }],
    ['DEL', { path: '/\x7f' }],
    ['a fragment', { path: '/a#b' }],
    ['no slash', { path: 'a' }],
    ['nothing', { path: '' }],
    ['a whole URI', { path: 'http://b.test/' }],
    ['an asterisk for another method', { path: '*' }],
    ['a malformed percent-encoding', { path: '/%zz' }],
    ['a double dot beside an encoded slash', { path: '/a/..%2fb' }],
    ['another scheme', { scheme: 'ftp' }],
    ['a scheme that only begins like one', { scheme: 'httpx' }],
  ])('with %s is refused', (_, wish) => {
    expect(codeOf(wish)).toBe('bad_target');
  });
});

describe('the authority of a request of HTTP/2', () => {
  it.each<[wish: Wish, authority: string, host: string]>([
    [{ fields: ['host', 'a.test'] }, 'a.test', 'a.test'],
    [{ fields: ['host', 'A.TEST'] }, 'a.test', 'a.test'],
    [{ authority: '', fields: ['host', 'b.test:1'] }, 'b.test:1', 'b.test'],
    [{ authority: '[::1]:80' }, '[::1]:80', '[::1]'],
    [{ method: 'CONNECT', authority: 'b.test:443', scheme: '', path: '' }, 'b.test:443', 'b.test'],
  ])('of %o is %s', (wish, authority, host) => {
    const request = read(wish);
    expect([request.authority, request.host]).toEqual([authority, host]);
  });

  it.each<[why: string, wish: Wish]>([
    ['none at all', { authority: '' }],
    ['an empty Host', { authority: '', fields: ['host', ''] }],
    ['another Host', { fields: ['host', 'b.test'] }],
    ['another port in Host', { fields: ['host', 'a.test:80'] }],
    ['two lines of Host', { fields: ['host', 'a.test', 'host', 'a.test'] }],
    ['two lines of Host alone', { authority: '', fields: ['host', 'a.test', 'host', 'a.test'] }],
    ['user information', { authority: 'me@a.test' }],
    ['a slash', { authority: 'a.test/b' }],
    ['a blank', { authority: 'a test' }],
  ])('with %s is refused', (_, wish) => {
    expect(codeOf(wish)).toBe('bad_host');
  });

  it.each(['b.test', 'b.test:', 'b.test:x'])('of a CONNECT has to have a port: %s', (authority) => {
    expect(codeOf({ method: 'CONNECT', authority, scheme: '', path: '' })).not.toBe('accepted');
  });
});

describe('a field of a request of HTTP/2', () => {
  it.each(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])(
    'named %s is refused, as it speaks of the connection',
    (name) => {
      expect(codeOf({ fields: [name, 'x'] })).toBe('bad_field_line');
    },
  );

  it.each([':unknown', ':status'])('named %s is refused', (name) => {
    expect(codeOf({ fields: [name, 'x'] })).toBe('bad_field_line');
  });

  it('with a line break is refused', () => {
    expect(codeOf({ fields: ['x', 'a\r\nb: c'] })).toBe('bad_field_line');
  });

  it('may be a cookie in crumbs, which are joined where the first stood', () => {
    const { requestFields } = read({ fields: ['cookie', 'a=1', 'x', 'y', 'cookie', 'b=2', 'cookie', 'c=3'] });
    expect([...requestFields.entries()]).toEqual([
      ['cookie', 'a=1; b=2; c=3'],
      ['x', 'y'],
    ]);
  });

  it('leaves a method that is no token refused', () => {
    expect(codeOf({ method: 'GE T' })).toBe('bad_start_line');
  });
});

describe('the limits on the head of a request of HTTP/2', () => {
  const BASE = ':method: GET\r\n:scheme: https\r\n:authority: a.test\r\n:path: /\r\n'.length;
  const filler = (bytes: number): string[] => ['x', 'v'.repeat(bytes - BASE - 'x: \r\n'.length)];

  it.each<[what: string, wish: Wish, code: string]>([
    ['as many bytes as max_header_bytes', { fields: filler(400) }, 'accepted'],
    ['one byte more', { fields: filler(401) }, 'head_too_large'],
    ['as many lines as max_headers, pseudo-fields aside', { fields: lines(4) }, 'accepted'],
    ['one line more', { fields: lines(5) }, 'head_too_large'],
    ['crumbs, which are one line', { fields: [...lines(3), ...'cookie a=1 '.repeat(6).trim().split(' ')] }, 'accepted'],
    ['crumbs and lines', { fields: [...lines(4), 'cookie', 'a=1', 'cookie', 'a=1'] }, 'head_too_large'],
    ['a target as long as max_target_bytes', { path: `/${'p'.repeat(39)}` }, 'accepted'],
    ['a target that is longer', { path: `/${'p'.repeat(40)}` }, 'target_too_long'],
  ])('with %s', (_, wish, code) => {
    expect(codeOf(wish)).toBe(code);
  });
});

describe('the content of a request of HTTP/2', () => {
  const withLength = (length: string, ended = false): Wish => ({ fields: ['content-length', length], ended });

  it.each<[what: string, wish: Wish, framing: number]>([
    ['none where the stream ends with the head', { ended: true }, NO_BODY],
    ['none with a length of 0 where the stream ends', withLength('0', true), NO_BODY],
    ['of unknown length where it goes on', { ended: false }, CHUNKED],
    ['as long as is told', withLength('7'), 7],
    ['as long as is told, though that is 0', withLength('0'), 0],
    ['none for CONNECT', { method: 'CONNECT', protocol: 'websocket', ended: false }, NO_BODY],
  ])('is %s', (_, wish, framing) => {
    expect(read(wish).requestFraming).toBe(framing);
  });

  it.each<[why: string, wish: Wish, code: string]>([
    ['a length where the stream ends with the head', withLength('7', true), 'bad_content_length'],
    ['two lengths', { fields: ['content-length', '1', 'content-length', '2'], ended: false }, 'bad_content_length'],
    ['a length that is no number', withLength('7x'), 'bad_content_length'],
    ['a length of CONNECT', { method: 'CONNECT', protocol: 'websocket', ...withLength('7') }, 'bad_framing'],
    ['a protocol without CONNECT', { protocol: 'websocket' }, 'bad_upgrade'],
  ])('is refused with %s', (_, wish, code) => {
    expect(codeOf(wish)).toBe(code);
  });

  it.each([
    [false, true],
    [true, false],
  ])('is waited for with a 100 only where there is some (ended: %s)', (ended, expects) => {
    expect(read({ fields: ['expect', '100-continue'], ended }).expectsContinue).toBe(expects);
  });

  it('needs no 100 without Expect', () => {
    expect(read({ ended: false }).expectsContinue).toBe(false);
  });
});

describe('trailers', () => {
  it('go to a client that sends TE, which nghttp2 accepts as `trailers` alone', () => {
    expect(acceptsTrailers(read({ fields: ['te', 'trailers'] }))).toBe(true);
    expect(acceptsTrailers(read({}))).toBe(false);
    expect(read({ fields: ['te', 'trailers'] }).requestFields.first(FieldId.te)).toBe('trailers');
  });
});

describe('the protocol of an extended CONNECT', () => {
  it.each<[pairs: string[], protocol: string]>([
    [section({ protocol: 'websocket' }), 'websocket'],
    [section({}), ''],
    [[], ''],
    [section({ fields: ['x', 'y', ':protocol', 'late'] }), ''],
  ])('of %o is %j', (pairs, protocol) => {
    expect(protocolOf(pairs)).toBe(protocol);
  });
});
