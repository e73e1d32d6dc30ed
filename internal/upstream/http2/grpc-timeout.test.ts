import { describe, expect, it } from 'vitest';
import { grpcTimeout } from './grpc-timeout.ts';

describe('the time of grpc-timeout', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['50m', 50],
    ['1500u', 1.5],
    ['2000000n', 2],
    ['00000001S', 1000],
    ['99999999H', 99_999_999 * 3_600_000],
    ['0S', 0],
  ])('%s is %d ms', (value, milliseconds) => {
    expect(grpcTimeout(value)).toBeCloseTo(milliseconds);
  });

  it.each(['', '5', 'S', '123456789S', '-1S', '1.5S', '1s', '1 S', ' 1S', '1S ', '1S, 2S', '1S\n'])(
    '%j has none',
    (value) => {
      expect(grpcTimeout(value)).toBe(Infinity);
    },
  );
});
