import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorEntry } from './error-codes.ts';

const DOCUMENT = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

/** A row of a table of codes: | `code` | source | status | meaning | */
const ROW = /^\| `([^`]+)` \|(.*)\|$/gm;

/** The rows of the document by code, each as its cells; a code that stands there twice has two. */
function documented(): Map<string, string[][]> {
  const rows = new Map<string, string[][]>();
  for (const [, code = '', cells = ''] of DOCUMENT.matchAll(ROW)) {
    const row = cells.split('|').map((cell) => cell.trim());
    rows.set(code, [...(rows.get(code) ?? []), row]);
  }
  return rows;
}

/** The cells that a row of the document has to hold: `none` stands for an error without an answer. */
function cellsOf(entry: ErrorEntry): string[] {
  return [entry.source, entry.status === 0 ? 'none' : String(entry.status), entry.meaning];
}

describe('docs/errors.md', () => {
  const rows = documented();

  it.each(Object.entries<ErrorEntry>(ERROR_CODES))('tells source, status and meaning of %s, once', (code, entry) => {
    expect(rows.get(code)).toEqual([cellsOf(entry)]);
  });

  it('holds no code that prox does not have', () => {
    expect([...rows.keys()].filter((code) => !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
  });
});

describe('ERROR_CODES', () => {
  it.each(Object.entries<ErrorEntry>(ERROR_CODES))(
    'gives %s a status that fits its source',
    (_, { source, status }) => {
      if (status === 0) return expect(source).not.toBe('upstream');
      expect([status >= 400, status >= 500]).toEqual([true, source !== 'client' || status === 501 || status === 505]);
    },
  );

  it.each(Object.entries<ErrorEntry>(ERROR_CODES))(
    'explains %s in one sentence that fits into a table',
    (_, { meaning }) => {
      expect(meaning).toMatch(/^[^|\n]+\.$/);
    },
  );
});
