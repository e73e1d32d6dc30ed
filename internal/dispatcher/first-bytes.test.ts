import { describe, expect, it } from 'vitest';
import { FirstBytes } from './first-bytes.ts';

describe('the first bytes of a connection', () => {
  it.each([1, 7, 2048, 2049, 5000])('are kept in order when they come %d at a time', (size) => {
    const all = Buffer.from(Array.from({ length: 9000 }, (_, index) => index % 251));
    const first = new FirstBytes();
    for (let at = 0; at < all.length; at += size) first.add(all, at, Math.min(at + size, all.length));
    expect(first.bytes).toEqual(all);
  });

  it('are copies: what they were read into may be read into again', () => {
    const read = Buffer.from('one');
    const first = new FirstBytes();
    first.add(read, 0, 3);
    read.write('two');
    expect(first.bytes.toString()).toBe('one');
  });

  it('are none as long as none came', () => {
    expect(new FirstBytes().bytes.length).toBe(0);
  });
});
