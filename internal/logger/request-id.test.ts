import { describe, expect, it } from 'vitest';
import { RequestIds } from './request-id.ts';

describe('RequestIds', () => {
  it('makes ids of 20 hex digits, each different, that share their first 12', () => {
    const source = new RequestIds();
    const ids = Array.from({ length: 20_000 }, () => source.next());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[0-9a-f]{20}$/.test(id))).toBe(true);
    expect(new Set(ids.map((id) => id.slice(0, 12))).size).toBe(1);
  });

  it('never starts two sources alike', () => {
    expect(new RequestIds().next()).not.toBe(new RequestIds().next());
  });
});
