/** What begins a page, in lower case: the tags that browsers take for the beginning of HTML (WHATWG MIME Sniffing §7.1). */
const HTML_TAGS = [
  '!doctype html',
  'html',
  'head',
  'script',
  'iframe',
  'h1',
  'div',
  'font',
  'table',
  'a',
  'style',
  'title',
  'b',
  'body',
  'br',
  'p',
];

const HTML = new RegExp(`^<(?:(?:${HTML_TAGS.join('|')})[ >]|!--)`, 'i');

/**
 * The Content-Type of a text that has no other: a page is one, and an XML document. Everything else is plain text, in which
 * no browser looks for more.
 */
export function textType(text: string): string {
  const start = text.replace(/^[\t\n\f\r ]+/, '').slice(0, 64);
  if (HTML.test(start)) return 'text/html; charset=utf-8';
  return start.startsWith('<?xml') ? 'text/xml; charset=utf-8' : 'text/plain; charset=utf-8';
}
