import { describe, expect, it } from 'vitest';
import { load, problemsOf } from '../../config/testing/config-folder.ts';
import { forwardAuth } from './index.ts';

function textOf(entry: string): string {
  return `{
  plugins: { a: { category: 'forward_auth', ${entry} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function problemOf(entry: string): Promise<string> {
  const found = await problemsOf({ 'prox.json5': textOf(entry) }, 'prox.json5', [forwardAuth]);
  expect(found).toHaveLength(1);
  return found[0].replace(/^prox\.json5:2:\d+: plugins\.a[.:] ?/, '');
}

async function configOf(entry: string): Promise<unknown> {
  const { plugins } = await load({ 'prox.json5': textOf(entry) }, 'prox.json5', [forwardAuth]);
  // As in a worker.
  return structuredClone((plugins['a'] as { readonly config: unknown }).config);
}

describe('the config of forward_auth', () => {
  it('has a default for every key but the URL', async () => {
    expect(await configOf(`auth_url: 'http://127.0.0.1:9000'`)).toEqual({
      origin: 'http://127.0.0.1:9000',
      target: '/',
      requestHeaders: null,
      addHeaders: [],
      timeout: 10_000,
      fail: 'closed',
    });
  });

  it('takes every key', async () => {
    const entry = `auth_url: 'HTTPS://Auth.example:443/a/../verify?x=%20y', request_headers: ['Cookie', 'X_A', 'X-Original-URL'],
      add_headers: ['X-User', 'X-Forwarded-User', 'Authorization'], timeout: '1s', fail: 'open', remark: 'b'`;
    expect(await configOf(entry)).toEqual({
      origin: 'https://auth.example',
      target: '/verify?x=%20y',
      requestHeaders: ['cookie', 'x_a', 'x-original-url'],
      addHeaders: ['X-User', 'X-Forwarded-User', 'Authorization'],
      timeout: 1000,
      fail: 'open',
    });
  });

  it('takes an empty list of fields to copy, and an IPv6 address', async () => {
    expect(await configOf(`auth_url: 'http://[::1]:9000/', request_headers: []`)).toMatchObject({
      origin: 'http://[::1]:9000',
      requestHeaders: [],
    });
  });

  it.each([
    ['no URL', ``, 'auth_url: is required'],
    ['no scheme', `auth_url: 'auth.example/verify'`, 'it does not begin with "http://" or "https://" and a host'],
    ['another scheme', `auth_url: 'ftp://auth.example/'`, 'it does not begin with'],
    ['no host', `auth_url: 'http:///verify'`, 'it does not begin with'],
    ['white space', `auth_url: 'http://auth.example/a b'`, 'a URL is ASCII without spaces'],
    ['letters beyond ASCII', `auth_url: 'http://auth.example/ä'`, 'a URL is ASCII without spaces'],
    ['a malformed port', `auth_url: 'http://auth.example:http/'`, 'the host or the port is malformed'],
    ['port 0', `auth_url: 'http://auth.example:0/'`, 'the port must be from 1 to 65535'],
    ['a user name', `auth_url: 'http://a:b@auth.example/'`, 'a user name has no place in it'],
    ['a fragment', `auth_url: 'http://auth.example/#a'`, 'a fragment is never sent'],
    ['a word for fail', `auth_url: 'http://a', fail: 'opened'`, 'did you mean `open`?'],
    ['a timeout of 0', `auth_url: 'http://a', timeout: 0`, 'a request cannot wait for ever'],
    ['an unknown key', `auth_url: 'http://a', follow_redirects: true`, 'unknown key `follow_redirects`'],
    ...['Host', 'Content-Type', 'Range', 'If-None-Match', 'TE', 'X-Forwarded-Uri', 'Forwarded'].map(
      (name): [string, string, string] => [
        `${name} to be copied`,
        `auth_url: 'http://a', request_headers: ['${name}']`,
        `request_headers[0]: the header ${name} cannot be copied`,
      ],
    ),
    ...['Host', 'TE', 'Via', 'X-Forwarded-For'].map((name): [string, string, string] => [
      `${name} to be added`,
      `auth_url: 'http://a', add_headers: ['X-User', '${name}']`,
      `add_headers[1]: the header ${name} cannot come from an auth server`,
    ]),
    ['a framing field to be added', `auth_url: 'http://a', add_headers: ['Content-Length']`, 'cannot be set by hand'],
    ['a field that is no token', `auth_url: 'http://a', request_headers: ['a b']`, 'expected a header name'],
  ])('refuses %s', async (_, entry, message) => {
    expect(await problemOf(entry)).toContain(message);
  });
});
