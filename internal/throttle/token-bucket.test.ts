import { describe, expect, it } from 'vitest';

import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('is full at first and gives whole bytes', () => {
    const bucket = new TokenBucket(0.5, 10.7, 0);
    expect(bucket.take(4, 0)).toBe(4);
    expect(bucket.take(100, 0)).toBe(6);
    expect(bucket.take(1, 0)).toBe(0);
  });

  it('fills at its rate, fractions of a byte included', () => {
    const bucket = new TokenBucket(0.25, 10, 0);
    bucket.take(10, 0);
    let given = 0;
    for (let now = 1; now <= 1000; now++) given += bucket.take(10, now);
    expect(given).toBe(250);
  });

  it('holds no more than its capacity', () => {
    const bucket = new TokenBucket(1, 100, 0);
    expect(bucket.available(1_000_000)).toBe(100);
  });

  it('says how long bytes take', () => {
    const bucket = new TokenBucket(2, 100, 0);
    expect(bucket.delay(100, 0)).toBe(0);
    bucket.take(100, 0);
    expect(bucket.delay(10, 0)).toBe(5);
    expect(bucket.delay(10, 4)).toBe(1);
    expect(bucket.delay(10, 9)).toBe(0);
  });

  it('says for more than its capacity how long it takes to be full', () => {
    const bucket = new TokenBucket(1, 100, 0);
    bucket.take(100, 0);
    expect(bucket.delay(5000, 0)).toBe(100);
  });

  it('takes bytes back, up to its capacity', () => {
    const bucket = new TokenBucket(1, 100, 0);
    bucket.take(60, 0);
    bucket.give(20);
    expect(bucket.available(0)).toBe(60);
    bucket.give(1000);
    expect(bucket.available(0)).toBe(100);
  });

  it('gives nothing for a clock that steps back', () => {
    const bucket = new TokenBucket(1, 100, 1000);
    bucket.take(100, 1000);
    expect(bucket.available(500)).toBe(0);
    expect(bucket.available(1010)).toBe(10);
  });
});
