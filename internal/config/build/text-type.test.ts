import { expect, it } from 'vitest';
import { textType } from './text-type.ts';

it.each([
  ['<!doctype html><title>x</title>', 'html'],
  ['<!DOCTYPE HTML>', 'html'],
  [' \r\n\t<html lang="en">', 'html'],
  ['<p>gone</p>', 'html'],
  ['<h1 class="x">', 'html'],
  ['<!-- x -->', 'html'],
  ['<br>', 'html'],
  ['<?xml version="1.0"?><a/>', 'xml'],
  ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'plain'],
  ['<pre>', 'plain'],
  ['<html', 'plain'],
  ['a <p>b</p>', 'plain'],
  ['{"a":1}', 'plain'],
  ['', 'plain'],
])('%j is text/%s', (text, type) => expect(textType(text)).toBe(`text/${type}; charset=utf-8`));
