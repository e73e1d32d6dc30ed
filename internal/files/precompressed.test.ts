import { describe, expect, it } from 'vitest';

import { contentTypeOf } from './content-type.ts';
import { chooseCodings, CODINGS, mayHaveSiblings } from './precompressed.ts';

const CASES: readonly [acceptEncoding: string | null, available: string, chosen: string][] = [
  [null, 'br gzip', ''],
  ['', 'br gzip', ''],
  ['gzip', 'br gzip', 'gzip'],
  ['gzip', 'br', ''],
  ['br', '', ''],
  ['gzip, deflate, br, zstd', 'br zstd gzip', 'br zstd gzip'],
  ['gzip, br', 'gzip', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'br gzip', 'gzip br'],
  ['br;q=0.5, gzip;q=0.500', 'br gzip', 'br gzip'],
  ['br ; q=1.0,gzip\t;\tQ=0', 'br gzip', 'br'],
  ['GZIP', 'gzip', 'gzip'],
  ['x-gzip', 'gzip', 'gzip'],
  ['gzip;q=0', 'gzip', ''],
  ['*', 'br gzip', 'br gzip'],
  ['*;q=0', 'br gzip', ''],
  ['*, br;q=0', 'br gzip', 'gzip'],
  ['gzip, *;q=0', 'br gzip', 'gzip'],
  // The original is weighed as well.
  ['identity, gzip;q=0.5', 'gzip', ''],
  ['identity;q=0.5, gzip', 'gzip', 'gzip'],
  ['identity, gzip', 'gzip', 'gzip'],
  ['gzip;q=0.1', 'gzip', 'gzip'],
  ['gzip;q=0.1, *;q=0.5', 'gzip', ''],
  ['identity;q=0, gzip;q=0.1', 'gzip', 'gzip'],
  ['identity;q=0', 'gzip', ''],
  // Malformed members count for nothing.
  ['gzip;q=2, br', 'br gzip', 'br'],
  ['gzip;q=, br', 'br gzip', 'br'],
  ['gzip;level=9', 'gzip', ''],
  ['gzip;q=0.1234', 'gzip', ''],
  ['constructor, __proto__', 'gzip', ''],
  [',,gzip,,', 'gzip', 'gzip'],
];

describe('chooseCodings', () => {
  it.each(CASES)('%j of %j: %j', (acceptEncoding, available, chosen) => {
    const there = CODINGS.filter(({ name }) => available.split(' ').includes(name));
    expect(
      chooseCodings(acceptEncoding, there)
        .map(({ name }) => name)
        .join(' '),
    ).toBe(chosen);
  });
});

const TYPES: readonly [path: string, contentType: string, siblings: boolean][] = [
  ['/a.html', 'text/html; charset=utf-8', true],
  ['/a.css', 'text/css; charset=utf-8', true],
  ['/a.JS', 'text/javascript; charset=utf-8', true],
  ['/a.mjs', 'text/javascript; charset=utf-8', true],
  ['/a.txt', 'text/plain; charset=utf-8', true],
  ['/a.json', 'application/json', true],
  ['/a.xml', 'application/xml', true],
  ['/a.wasm', 'application/wasm', true],
  ['/a.svg', 'image/svg+xml', true],
  ['/a.ico', 'image/vnd.microsoft.icon', true],
  ['/a.ttf', 'font/ttf', true],
  ['/a.wav', 'audio/wav', true],
  ['/a.webmanifest', 'application/manifest+json', true],
  ['/a.unknown-to-all', 'application/octet-stream', true],
  ['/css', 'application/octet-stream', true],
  ['/a.b/README', 'application/octet-stream', true],
  ['/a.png', 'image/png', false],
  ['/a.avif', 'image/avif', false],
  ['/a.mp4', 'video/mp4', false],
  ['/a.mp3', 'audio/mpeg', false],
  ['/a.woff2', 'font/woff2', false],
  ['/a.zip', 'application/zip', false],
  ['/a.tar.gz', 'application/gzip', false],
  ['/a.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', false],
];

describe('contentTypeOf and mayHaveSiblings', () => {
  it.each(TYPES)('%s is %s', (path, contentType, siblings) => {
    expect(contentTypeOf(path)).toBe(contentType);
    expect(mayHaveSiblings(contentType)).toBe(siblings);
  });
});
