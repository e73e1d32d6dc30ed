import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { escapeFor } from './body-escape.ts';

const EVIL = `/<script>alert("1")&'\`{$}\\`;
const AS_STRING = '/\\u003Cscript\\u003Ealert(\\u00221\\u0022)\\u0026\\u0027\\u0060\\u007B\\u0024\\u007D\\u005C';
const AS_MARKUP = '/&lt;script&gt;alert(&quot;1&quot;)&amp;&#39;&#96;&#123;&#36;&#125;&#92;';

const CASES: readonly [kind: 'text' | 'json', contentType: string | null, escaped: string][] = [
  ['json', 'application/json', AS_STRING],
  ['json', 'text/html', AS_STRING],
  ['json', null, AS_STRING],
  ['text', 'application/json; charset=utf-8', AS_STRING],
  ['text', 'application/problem+json', AS_STRING],
  ['text', 'text/javascript', AS_STRING],
  ['text', 'application/x-javascript', AS_STRING],
  ['text', 'text/html', AS_MARKUP],
  ['text', ' TEXT/HTML;charset=utf-8', AS_MARKUP],
  ['text', 'application/xhtml+xml', AS_MARKUP],
  ['text', 'image/svg+xml', AS_MARKUP],
  ['text', 'application/xml', AS_MARKUP],
  ['text', '', AS_MARKUP],
  ['text', 'nonsense', AS_MARKUP],
  ['text', null, AS_MARKUP],
  ['text', 'text/plain; charset=utf-8', EVIL],
  ['text', 'text/css', EVIL],
];

describe('escapeFor', () => {
  it.each(CASES)('%s sent as %s', (kind, contentType, escaped) => {
    expect(escapeFor(kind, contentType)(EVIL)).toBe(escaped);
  });

  it('gives every value back to a reader of JSON', () => {
    const escape = escapeFor('json', 'application/json');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(JSON.parse(`"${escape(value)}"`)).toBe(value);
        expect(escape(value)).not.toMatch(/[<>"'`${}]|[^\x20-\x7e]/);
      }),
      { numRuns: 10_000 },
    );
  });

  it.each(['text/html', 'text/javascript'])(
    'lets no value out of a string or a template literal of a script in %s',
    (type) => {
      const escape = escapeFor('text', type);
      for (const value of ['{alert(1)}', '`+alert(1)+`', '"+alert(1)+"', "'+alert(1)+'", '\\']) {
        // What a page has as `?${query}`, '?{query}' and "?{query}".
        const script = `[\`?$${escape(value)}\`, '?${escape(value)}', "?${escape(value)}"]`;
        const alert = vi.fn();
        expect(runInNewContext(script, { alert })).toHaveLength(3);
        expect(alert).not.toHaveBeenCalled();
      }
    },
  );
});
