import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';

import { createBalancer, TargetSearch, TargetStore } from './index.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('TargetStore', () => {
  it('gives one object for an address in a scope', () => {
    const store = new TargetStore();
    const target = store.get('a:1', 'http://{target}');
    expect(store.get('a:1', 'http://{target}')).toBe(target);
    expect(store.get('a:2', 'http://{target}')).not.toBe(target);
    expect(store.get('a:1', 'https://{target}')).not.toBe(target);
    expect(target).toEqual({ address: 'a:1', active: 0 });
  });

  it('drops targets that are not used, and keeps those in use', async () => {
    const store = new TargetStore();
    for (let i = 0; i < 100; i++) store.get(`gone:${i}`, '');
    const search = new TargetSearch(createBalancer('random', [store.get('kept:1', '')]));
    const target = search.next();
    await vi.waitFor(() => {
      collect();
      expect(store.size).toBe(1);
    });
    expect(store.get('kept:1', '')).toBe(target);
    expect(store.get('kept:1', '').active).toBe(1);
  });
});
