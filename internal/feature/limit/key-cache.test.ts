import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyCache } from './key-cache.ts';

it('keeps the entries that were used last, at least half of its size, and never more than its size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat(30), { maxLength: 200 }), (half, keys) => {
      const cache = new KeyCache(half * 2, (key) => ({ key }));
      const known = new Map<string, { key: string }>();
      const recent: string[] = [];
      for (const number of keys) {
        const key = `${number}`;
        const entry = cache.get(key);
        expect(entry.key).toBe(key);
        if (recent.includes(key)) {
          expect(entry).toBe(known.get(key));
          recent.splice(recent.indexOf(key), 1);
        }
        known.set(key, entry);
        recent.push(key);
        if (recent.length > half) recent.shift();
        expect(cache.size).toBeLessThanOrEqual(half * 2);
      }
    }),
  );
});
