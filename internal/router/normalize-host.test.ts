import { describe, expect, it } from 'vitest';

import { normalizeHost } from './normalize-host.ts';

describe('normalizeHost', () => {
  const cases: readonly (readonly [authority: string, host: string])[] = [
    ['example.com', 'example.com'],
    ['example.com:8080', 'example.com'],
    ['Example.COM', 'example.com'],
    ['Example.COM:80', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com.:443', 'example.com'],
    ['example.com..', 'example.com.'],
    ['example.com:', 'example.com'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:80', '[::1]'],
    ['[2001:DB8::A]:80', '[2001:db8::a]'],
    ['[::1', '[::1'],
    ['', ''],
    ['.', ''],
    [':80', ''],
  ];
  it.each(cases)('gives for %j the host %j', (authority, host) => {
    expect(normalizeHost(authority)).toBe(host);
  });
});
