import { describe, expect, it } from 'vitest';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { AuthRequestFields } from './auth-request.ts';

/** The fields of the auth request, by lower-case name. */
function fieldsOf(request: MemoryRequest, chosen: readonly string[] | null = null): Record<string, string> {
  const fields = new AuthRequestFields(chosen).of(new MemoryExchange({ authority: 'a.example:8080', ...request }));
  return Object.fromEntries([...fields.entries()].map(([name, value]) => [name.toLowerCase(), value]));
}

const WRITTEN = {
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-host': 'a.example:8080',
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'http',
  'x-forwarded-uri': '/',
};

describe('the fields of an auth request', () => {
  it('are those of the client, and what it asks for', () => {
    const request = {
      method: 'DELETE',
      path: '/a//b',
      query: '?c=%2F',
      secure: true,
      fields: { cookie: 'a=1', accept: '*/*' },
    };
    expect(fieldsOf({ ...request, originAddress: '192.0.2.7' })).toEqual({
      ...WRITTEN,
      cookie: 'a=1',
      accept: '*/*',
      'x-forwarded-method': 'DELETE',
      'x-forwarded-uri': '/a//b?c=%2F',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '192.0.2.7',
    });
  });

  it.each([
    'Connection',
    'Content-Digest',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
    'Expect',
    'Forwarded',
    'Host',
    'If-Match',
    'If-Modified-Since',
    'If-None-Match',
    'If-Range',
    'If-Unmodified-Since',
    'Keep-Alive',
    'Max-Forwards',
    'Proxy-Connection',
    'Range',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Original-URL',
    'x-original-method',
    'X-Real-IP',
    'X_Forwarded_Uri',
    'X_User',
  ])('leave out the %s of a client', (name) => {
    expect(fieldsOf({ fields: { [name]: 'forged' } })).toEqual(WRITTEN);
  });

  it.each(Object.keys(WRITTEN))('replace the %s of a client', (name) => {
    expect(fieldsOf({ fields: { [name]: 'forged' } })).toEqual(WRITTEN);
  });

  it('believe a trusted proxy about the host and the scheme, and never about the method or the target', () => {
    const fields = {
      'X-Forwarded-Host': 'forged.example, b.example',
      'X-Forwarded-Proto': 'http, https',
      'X-Forwarded-Port': '443',
      'X-Real-IP': '192.0.2.7',
      'X-Forwarded-Method': 'forged',
      'X-Forwarded-Uri': 'forged',
    };
    expect(fieldsOf({ fields, trusted: true })).toEqual({
      ...WRITTEN,
      'x-forwarded-host': 'b.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
      'x-real-ip': '192.0.2.7',
    });
  });

  it('are the chosen ones alone where some were chosen', () => {
    const fields = { Cookie: 'a=1', Accept: '*/*', X_Session: 'b', 'X-Forwarded-Method': 'forged' };
    expect(fieldsOf({ fields }, ['cookie', 'x_session'])).toEqual({ ...WRITTEN, cookie: 'a=1', x_session: 'b' });
    expect(fieldsOf({ fields }, [])).toEqual(WRITTEN);
  });

  it('name the target of OPTIONS *, and none of CONNECT', () => {
    expect(fieldsOf({ method: 'OPTIONS', path: '*' })['x-forwarded-uri']).toBe('*');
    expect(fieldsOf({ method: 'CONNECT', path: '' })['x-forwarded-uri']).toBeUndefined();
  });

  it('stay what they are when those of the client change', () => {
    const exchange = new MemoryExchange({ fields: { cookie: 'a=1' } });
    const fields = new AuthRequestFields(null).of(exchange);
    exchange.requestFields.reset();
    expect(fields.get('cookie')).toBe('a=1');
  });
});
