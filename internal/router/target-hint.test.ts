import { describe, expect, it } from 'vitest';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader } from '../http1/index.ts';
import { normalizePath } from './index.ts';

/** Every visible ASCII character, in the middle of a path. */
const PATHS = Array.from({ length: 94 }, (_, i) => `/a${String.fromCharCode(0x21 + i)}b`).filter(
  (path) => !/[#?]/.test(path),
);

describe('mayNeedNormalizing', () => {
  it.each(PATHS)('is set for %s if its normal form is another one', (path) => {
    const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    const head = Buffer.from(`GET ${path} HTTP/1.1\r\n\r\n`);
    expect(reader.feed(head, 0, head.length)).toBe(head.length);
    if (normalizePath(path) !== path) expect(reader.mayNeedNormalizing).toBe(true);
  });
});
