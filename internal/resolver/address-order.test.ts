import { describe, expect, it } from 'vitest';
import { orderAddresses, reachOf } from './address-order.ts';

const GLOBAL = reachOf(['127.0.0.1', '::1', '192.0.2.1', '2001:db8::1']);
const FOUR_ONLY = reachOf(['127.0.0.1', '192.0.2.1']);
const LINK_LOCAL = reachOf(['127.0.0.1', '::1', '192.0.2.1', 'FE80::1']);

describe('the order of addresses', () => {
  const both = ['192.0.2.7', '192.0.2.8', '192.0.2.9', '2001:db8::7', '2001:db8::8'];

  it('begins with IPv6 where the machine has it, and the families take turns', () => {
    const mixed = ['2001:db8::7', '192.0.2.7', '2001:db8::8', '192.0.2.8', '192.0.2.9'];
    expect(orderAddresses(both, GLOBAL, 0)).toEqual(mixed);
  });

  it.each([FOUR_ONLY, LINK_LOCAL])('begins with IPv4 elsewhere: %o', (reach) => {
    const mixed = ['192.0.2.7', '2001:db8::7', '192.0.2.8', '2001:db8::8', '192.0.2.9'];
    expect(orderAddresses(both, reach, 0)).toEqual(mixed);
  });

  it('begins with another address of each family in turn', () => {
    expect(orderAddresses(both, GLOBAL, 4)).toEqual([
      '2001:db8::7',
      '192.0.2.8',
      '2001:db8::8',
      '192.0.2.9',
      '192.0.2.7',
    ]);
  });

  it('has ::1 before 127.0.0.1 on a machine that has it', () => {
    expect(orderAddresses(['127.0.0.1', '::1'], LINK_LOCAL, 0)).toEqual(['::1', '127.0.0.1']);
    expect(orderAddresses(['127.0.0.1', '::1'], FOUR_ONLY, 0)).toEqual(['127.0.0.1', '::1']);
  });
});
