import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Member, Roster } from './roster.ts';

function member(): Member {
  return { place: -1 };
}

describe('a roster', () => {
  it('holds those who came and did not leave, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
        const all = Array.from({ length: 10 }, member);
        const roster = new Roster<Member>();
        const expected = new Set<Member>();
        for (const [comes, index] of steps) {
          if (comes) roster.add(all[index]);
          else roster.delete(all[index]);
          if (comes) expected.add(all[index]);
          else expected.delete(all[index]);
          expect(new Set(roster)).toEqual(expected);
          expect(roster.size).toBe(expected.size);
        }
        expect(all.filter(({ place }) => place >= 0).length).toBe(expected.size);
      }),
    );
  });

  it('lets members leave during a walk over a snapshot', () => {
    const roster = new Roster<Member>();
    const all = [member(), member(), member()];
    for (const one of all) roster.add(one);
    const seen: Member[] = [];
    for (const one of roster.snapshot()) {
      seen.push(one);
      roster.delete(one);
    }
    expect(seen).toEqual(all);
    expect(roster.size).toBe(0);
  });

  it('leaves alone those who stand in another one', () => {
    const [here, there] = [new Roster<Member>(), new Roster<Member>()];
    const [one, other] = [member(), member()];
    here.add(one);
    there.add(other);
    here.delete(other);
    expect([[...here], [...there]]).toEqual([[one], [other]]);
    expect([one.place, other.place]).toEqual([0, 0]);
    there.delete(one);
    expect(there.size).toBe(1);
    expect(() => here.add(other)).toThrow(TypeError);
    here.add(one);
    expect([here.size, there.size]).toEqual([1, 1]);
  });
});
