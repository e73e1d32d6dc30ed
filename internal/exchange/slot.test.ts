import { describe, expect, it } from 'vitest';
import { type SlotHolder, SlotNumbers } from './slot.ts';

describe('slots', () => {
  it('hold the state of each filter for each exchange', () => {
    const numbers = new SlotNumbers();
    const [name, count] = [numbers.next<string>(), numbers.next<number>()];
    const [one, other]: SlotHolder[] = [{ slots: null }, { slots: null }];
    count.set(one, 1);
    name.set(one, 'a');
    count.set(other, 2);
    expect([name.get(one), count.get(one)]).toEqual(['a', 1]);
    expect([name.get(other), count.get(other)]).toEqual([undefined, 2]);
  });

  it('hold nothing at first, and cost nothing then', () => {
    const exchange: SlotHolder = { slots: null };
    expect(new SlotNumbers().next().get(exchange)).toBeUndefined();
    expect(exchange.slots).toBeNull();
  });
});
