import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GET, request } from '../testing/frame-client.ts';
import { data, headers, type Pairs } from '../testing/http2-frames.ts';
import { Http2Proxied } from '../testing/http2-proxied.ts';
import { response } from '../testing/proxied.ts';

/** Node 20 has no option that lets prox see white space around values. */
const SEES_WHITE_SPACE = Number(process.versions.node.split('.', 1)[0]) >= 24;

const UPLOAD = request('POST', '/');
const without = (name: string): Pairs => GET.filter(([one]) => one !== name);
const instead = (name: string, value: string): Pairs =>
  GET.map(([one, before]) => (one === name ? [one, value] : [one, before]));

/** What docs/http2.md says is refused: an answer of 400, or RST_STREAM with PROTOCOL_ERROR. */
const REFUSED: readonly (readonly [what: string, pairs: Pairs])[] = [
  ['a name in upper case', [...GET, ['Xy', 'a']]],
  ['Connection', [...GET, ['connection', 'close']]],
  ['Transfer-Encoding', [...GET, ['transfer-encoding', 'chunked']]],
  ['Upgrade', [...GET, ['upgrade', 'x']]],
  ['Keep-Alive', [...GET, ['keep-alive', '5']]],
  ['TE other than trailers', [...GET, ['te', 'gzip']]],
  ['Content-Length with a sign', [...UPLOAD, ['content-length', '+13']]],
  ['a list of Content-Lengths', [...UPLOAD, ['content-length', '13, 13']]],
  ['Content-Length twice', [...UPLOAD, ['content-length', '13'], ['content-length', '13']]],
  ['an empty Content-Length', [...UPLOAD, ['content-length', '']]],
  ['a Content-Length beyond 2^63', [...UPLOAD, ['content-length', '99999999999999999999']]],
  ['a Content-Length that does not fit', [...UPLOAD, ['content-length', '5']]],
  ['a pseudo-field behind a field', [...GET.slice(0, 3), ['x', 'y'], ...GET.slice(3)]],
  ['an unknown pseudo-field', [...GET, [':x', 'y']]],
  ['the pseudo-field of a response', [...GET, [':status', '200']]],
  ['a pseudo-field twice', [...GET, [':path', '/x']]],
  ['no :path', without(':path')],
  ['no :method', without(':method')],
  ['no :scheme', without(':scheme')],
  ['no :authority and no Host', without(':authority')],
  ['an empty :path', instead(':path', '')],
  ['a :path with a space', instead(':path', '/a b')],
  ['a :path with CR LF', instead(':path', '/a\r\nb')],
  ['a :path without a slash', instead(':path', 'a')],
  ['a :method with a space', instead(':method', 'GE T')],
  ['a :method with CR LF', instead(':method', 'GET\r\n')],
  ['a :scheme with a space', instead(':scheme', 'ht tp')],
  ['an :authority with a space', instead(':authority', 'a b')],
  ['an :authority with CR LF', instead(':authority', 'a\r\nx: y')],
  ['an :authority with user information', instead(':authority', 'u@a')],
  ['a Host that says something else', [...GET, ['host', 'other']]],
];

/** What nghttp2 leaves out, so that the request goes on without it. */
const LEFT_OUT: readonly (readonly [what: string, pairs: Pairs])[] = [
  ['CR LF in a value', [...GET, ['x', 'a\r\nb: c']]],
  ['LF in a value', [...GET, ['x', 'a\nb']]],
  ['NUL in a value', [...GET, ['x', 'a\0b']]],
  ['a control character in a value', [...GET, ['x', 'a\x01b']]],
  ['DEL in a value', [...GET, ['x', 'a\x7fb']]],
  ['a space in a name', [...GET, ['x y', 'a']]],
  ['a colon in a name', [...GET, ['x:y', 'a']]],
  ['an empty name', [...GET, ['', 'a']]],
  ['CR LF in a name', [...GET, ['x\r\ny', 'a']]],
  ['NUL in a name', [...GET, ['x\0', 'a']]],
  ['a name that is not ASCII', [...GET, ['x\xe4', 'a']]],
];

/** Refused where prox gets to see it, else left out. */
const WHITE_SPACE: readonly (readonly [what: string, pairs: Pairs])[] = [
  ['white space before a value', [...GET, ['x', ' a']]],
  ['white space behind a value', [...GET, ['x', 'a ']]],
  ['a tab before a value', [...GET, ['x', '\ta']]],
  ['white space before a Content-Length', [...UPLOAD, ['content-length', ' 13']]],
  ['white space behind a Content-Length', [...UPLOAD, ['content-length', '13 ']]],
];

describe('a request that is malformed (RFC 9113 §8.1.1) by', () => {
  let proxied: Http2Proxied;
  beforeAll(async () => {
    proxied = await Http2Proxied.start();
    proxied.upstream.serve(response('ok'));
  });
  afterAll(() => proxied.stop());

  /** What became of the request, and what the upstream got of it. */
  const send = async (pairs: Pairs): Promise<{ readonly outcome: string; readonly got: string | null }> => {
    const before = proxied.upstream.requests.length;
    const client = await proxied.frames();
    const upload = pairs.some(([, value]) => value === 'POST');
    client.write(headers(1, pairs, !upload) + (upload ? data(1, 'x'.repeat(13), true) : ''));
    const outcome = await client.outcome(1);
    client.destroy();
    return { outcome, got: proxied.upstream.requests.slice(before)[0]?.head ?? null };
  };

  it.each([...REFUSED, ...(SEES_WHITE_SPACE ? WHITE_SPACE : [])])('%s is refused', async (_, pairs) => {
    const { outcome, got } = await send(pairs);
    // Newer versions of nghttp2 take some of it for an error of the connection.
    expect(['status 400', 'reset 1', 'gone']).toContain(outcome);
    expect(got).toBeNull();
  });

  it.each([...LEFT_OUT, ...(SEES_WHITE_SPACE ? [] : WHITE_SPACE)])('%s loses that field', async (_, pairs) => {
    const { outcome, got } = await send(pairs);
    expect(outcome).toBe('status 200');
    expect(got?.toLowerCase()).not.toMatch(/\r\n(|x([^-\r\n][^\r\n]*)?|content-length|b):/);
  });
});
