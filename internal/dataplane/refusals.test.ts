import { describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { Refusals } from './refusals.ts';

const NO_HEADER = new ProxyError('bad_proxy_header', 'not there');

describe('refused connections', () => {
  it('warns of a missing PROXY header at most once a minute, and says how many more there were', () => {
    let now = 0;
    const refusals = new Refusals('web', () => now);
    const levels = (times: number): string[] =>
      Array.from({ length: times }, () => refusals.take('192.0.2.1', NO_HEADER).level);
    expect(levels(4)).toEqual(['warn', 'debug', 'debug', 'debug']);
    now = 59_999;
    expect(levels(1)).toEqual(['debug']);
    now = 60_000;
    expect(refusals.take('192.0.2.1', NO_HEADER)).toMatchObject({ service: 'web', level: 'warn', unwarned: 4 });
    now = 120_000;
    expect(refusals.take('192.0.2.1', NO_HEADER)).toMatchObject({ level: 'warn', unwarned: 0 });
  });

  it('warns of HTTP/2 connections that end with an error, each kind for itself', () => {
    const refusals = new Refusals('web', () => 0);
    const levels = (['h2_broken', 'h2_flood', 'h2_goaway', 'h2_broken'] as const).map(
      (code) => refusals.take('192.0.2.1', new ProxyError(code, 'x')).level,
    );
    expect(levels).toEqual(['warn', 'warn', 'warn', 'debug']);
  });

  it('never warns of what any client can cause', () => {
    const refusals = new Refusals('web', () => 0);
    expect(refusals.take('192.0.2.1', new ProxyError('bad_client_hello', 'x')).level).toBe('debug');
  });
});
