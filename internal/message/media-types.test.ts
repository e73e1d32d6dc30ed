import { describe, expect, it } from 'vitest';

import { isMediaTypePattern, MediaTypes } from './media-types.ts';

const LIST = new MediaTypes(['text/*', '+json', 'application/wasm']);

describe('a list of media types', () => {
  it.each([
    ['text/html', true],
    ['Text/HTML; charset=utf-8', true],
    ['text/html;charset=utf-8', true],
    ['application/problem+json', true],
    ['application/wasm ; a=b', true],
    ['application/wasm2', false],
    ['application/json', false],
    ['application/a+xml', false],
    ['json', false],
    ['text', false],
    ['', false],
  ])('with text/*, +json and application/wasm has %j: %j', (type, has) => {
    // The second look finds what was remembered.
    expect([LIST.has(type), LIST.has(type)]).toEqual([has, has]);
  });

  it('knows any number of values', () => {
    for (let i = 0; i < 1000; i++) expect([LIST.has(`text/${i}`), LIST.has(`image/${i}`)]).toEqual([true, false]);
  });
});

describe('isMediaTypePattern', () => {
  it.each([
    ['text/html', true],
    ['text/*', true],
    ['+json', true],
    ['image/svg+xml', true],
    ['Text/html', false],
    ['text', false],
    ['*/*', false],
    ['*', false],
    ['+', false],
    ['text/', false],
    ['text/html; charset=utf-8', false],
    ['', false],
  ])('takes %j: %j', (text, taken) => {
    expect(isMediaTypePattern(text)).toBe(taken);
  });
});
