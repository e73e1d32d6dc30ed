import { describe, expect, it } from 'vitest';

import { ReadBuffers } from './read-buffers.ts';

/** Takes all there are. */
function takeAll(buffers: ReadBuffers): Buffer[] {
  const taken: Buffer[] = [];
  for (let buffer = buffers.take(); buffer !== null; buffer = buffers.take()) taken.push(buffer);
  return taken;
}

describe('ReadBuffers', () => {
  it('has 4 MiB in all', () => {
    const taken = takeAll(new ReadBuffers());
    expect(taken.reduce((sum, { length }) => sum + length, 0)).toBe(4 * 1024 ** 2);
    expect(new Set(taken).size).toBe(taken.length);
  });

  it('reuses buffers that are not in use, and replaces those that may be', () => {
    const buffers = new ReadBuffers();
    const [free, used] = takeAll(buffers);
    buffers.giveBack(free);
    expect([buffers.take() === free, buffers.take()]).toEqual([true, null]);
    buffers.forget();
    const other = buffers.take();
    expect([other === null, other === used, buffers.take()]).toEqual([false, false, null]);
  });
});
