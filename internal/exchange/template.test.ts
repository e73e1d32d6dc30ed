import { describe, expect, it } from 'vitest';

import { compileTemplate } from './template.ts';

const PLACEHOLDERS = new Map([
  ['a', (source: { a: string }) => source.a],
  ['b.c', () => 'BC'],
]);

const CASES: readonly [title: string, text: string, rendered: string, constant: boolean][] = [
  ['text alone', 'plain', 'plain', true],
  ['nothing', '', '', true],
  ['one placeholder', '{a}', 'x', false],
  ['text around placeholders', '<{a}|{b.c}>', '<x|BC>', false],
  ['placeholders side by side', '{a}{a}{b.c}', 'xxBC', false],
  ['an unknown name stays', '{unknown}', '{unknown}', true],
  ['an unknown name beside a known one', '{unknown}{a}', '{unknown}x', false],
  ['names are case-sensitive', '{A}', '{A}', true],
  ['no blanks inside the braces', '{ a }', '{ a }', true],
  ['braces of JSON', '{"k":{"v":"{a}"}}', '{"k":{"v":"x"}}', false],
  ['doubled braces', '{{a}}', '{x}', false],
  ['an open brace at the end', '{a}{', 'x{', false],
  ['a brace that is never closed', '{a', '{a', true],
  ['empty braces', '{}', '{}', true],
  ['names of Object.prototype', '{constructor}{__proto__}', '{constructor}{__proto__}', true],
];

describe('compileTemplate', () => {
  it.each(CASES)('%s', (_title, text, rendered, constant) => {
    const template = compileTemplate(text, PLACEHOLDERS);
    expect(template.render({ a: 'x' })).toBe(rendered);
    expect(template.constant).toBe(constant ? rendered : null);
  });

  it('never looks for placeholders in a value', () => {
    expect(compileTemplate('{a}', PLACEHOLDERS).render({ a: '{b.c}$&' })).toBe('{b.c}$&');
  });

  it('converts texts once and every value', () => {
    const texts: string[] = [];
    const template = compileTemplate('1{a}2{b.c}3', PLACEHOLDERS, {
      literal: (text) => {
        texts.push(text);
        return `[${text}]`;
      },
      value: (text) => text.toLowerCase(),
    });
    expect(template.render({ a: 'X' })).toBe('[1]x[2]bc[3]');
    expect(template.render({ a: 'Y' })).toBe('[1]y[2]bc[3]');
    expect(texts).toEqual(['1', '2', '3']);
  });
});
