import { describe, expect, it } from 'vitest';
import { type DialTls, dialTlsId, UpstreamSessions } from './upstream-context.ts';

const PLAIN: DialTls = { serverName: null, ca: null, insecure: false, cert: null, key: null };

describe('the id of TLS settings', () => {
  it('is short, equal for equal settings, and another for any other', () => {
    const all = [
      PLAIN,
      { ...PLAIN, serverName: 'a' },
      { ...PLAIN, ca: 'a' },
      { ...PLAIN, insecure: true },
      { ...PLAIN, cert: 'a', key: 'b' },
      { ...PLAIN, cert: 'b', key: 'a' },
    ];
    expect(new Set(all.map(dialTlsId)).size).toBe(all.length);
    expect(dialTlsId({ ...PLAIN })).toBe(dialTlsId(PLAIN));
    expect(dialTlsId(PLAIN)).toMatch(/^[\w-]{22}$/);
  });
});

describe('kept sessions', () => {
  it('are the last of each peer, and not without end', () => {
    const sessions = new UpstreamSessions();
    sessions.keep('a', Buffer.from('1'));
    sessions.keep('b', Buffer.from('2'));
    sessions.keep('a', Buffer.from('3'));
    expect(sessions.get('a')).toEqual(Buffer.from('3'));
    for (let index = 0; index < 1023; index++) sessions.keep(String(index), Buffer.alloc(0));
    expect([sessions.get('a') === undefined, sessions.get('b')]).toEqual([false, undefined]);
    sessions.forget('a');
    expect(sessions.get('a')).toBeUndefined();
  });
});
