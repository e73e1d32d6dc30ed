import { describe, expect, it } from 'vitest';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader } from '../http1/index.ts';
import { isNormalPath } from '../message/index.ts';

/** Every visible ASCII character, in the middle of a path, one byte beyond, and empty segments wherever they may be. */
const PATHS = [
  ...Array.from({ length: 94 }, (_, i) => `/a${String.fromCharCode(0x21 + i)}b`).filter((path) => !/[#?]/.test(path)),
  '/\xe9',
  '//',
  '//a',
  '/a//b',
  '/a//',
];

describe('mayNeedNormalizing', () => {
  it.each(PATHS)('is set for %s if its normal form is another one', (path) => {
    const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    const head = Buffer.from(`GET ${path} HTTP/1.1\r\n\r\n`, 'latin1');
    expect(reader.feed(head, 0, head.length)).toBe(head.length);
    if (!isNormalPath(path)) expect(reader.mayNeedNormalizing).toBe(true);
  });

  it.each(PATHS)('is the same for %s byte by byte', (path) => {
    const head = Buffer.from(`GET ${path} HTTP/1.1\r\n\r\n`, 'latin1');
    const whole = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    whole.feed(head, 0, head.length);
    const cut = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    for (let i = 0; i < head.length; i++) cut.feed(head, i, i + 1);
    expect(cut.mayNeedNormalizing).toBe(whole.mayNeedNormalizing);
  });

  it('is not set for a plain path', () => {
    const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    const head = Buffer.from('GET /a/b-c/d HTTP/1.1\r\n\r\n');
    reader.feed(head, 0, head.length);
    expect(reader.mayNeedNormalizing).toBe(false);
  });
});
