import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipFamily } from './ip-address.ts';

describe('ipFamily', () => {
  it.each([
    '127.0.0.1',
    '0x7f.1',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '::',
    '::1',
    '1::2::3',
    '::ffff:1.2.3.4',
    '::ffff:0x7f.1',
    '::1.2.3',
    '::01.2.3.4',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '12345::',
    '',
    ':',
    'a.b',
  ])('says of %j what node:net says', (text) => expect(ipFamily(text)).toBe(isIP(text)));

  it('agrees with node:net on any text without a zone', () => {
    const slip = fc.stringMatching(/^[0-9a-fx:.]{0,20}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), slip), (text) => ipFamily(text) === isIP(text)),
      { numRuns: 10_000 },
    );
  });
});
