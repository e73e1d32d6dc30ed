import { describe, expect, it } from 'vitest';

import { contentTypeOf } from './content-type.ts';
import { mayHaveSiblings } from './precompressed.ts';

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
