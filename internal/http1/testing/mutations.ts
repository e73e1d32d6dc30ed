/** Valid requests, and mutations of them. */
import fc from 'fast-check';

/** Small requests of every kind that the codec knows. */
export const VALID_REQUESTS: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a/b?c=d HTTP/1.0\r\n\r\n',
  'HEAD /a HTTP/1.1\r\nhost:a:80\r\nAccept: */*\r\nx: \t\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n1\r\n!\r\n0\r\nt: v\r\nu: w\r\n\r\n',
  'PATCH /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: t\r\n\r\nA\r\n0123456789\r\n0\r\nt: v\r\n\r\n',
  'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'DELETE /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: b c (d)\r\nCookie: e=f; g="h"\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
];

/** Bytes and words that parsers read in different ways. */
const SPECIAL = [
  '\r',
  '\n',
  '\r\n',
  '\n\n',
  '\r\n ',
  ' ',
  '  ',
  '\t',
  '\0',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  ':',
  ' :',
  ';',
  ',',
  '"',
  '\\',
  '#',
  '?',
  '/',
  '*',
  '@',
  '[',
  ']',
  '%',
  '+',
  '-',
  '0',
  '0x',
  'f',
  '00000000',
  'x',
  'chunked',
  ', chunked',
  'identity',
  'gzip, ',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: b\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'http://',
  'GET ',
] as const;

type Mutation = (text: string, at: number) => string;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.constantFrom<string>(...SPECIAL).map(
    (special): Mutation =>
      (text, at) =>
        text.slice(0, at) + special + text.slice(at),
  ),
  fc.constantFrom<string>(...SPECIAL).map(
    (special): Mutation =>
      (text, at) =>
        text.slice(0, at) + special + text.slice(at + 1),
  ),
  fc.integer({ min: 0, max: 255 }).map(
    (code): Mutation =>
      (text, at) =>
        text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1),
  ),
  fc.integer({ min: 0, max: 7 }).map((bit): Mutation => (text, at) => {
    return text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << bit)) + text.slice(at + 1);
  }),
  fc.integer({ min: 1, max: 5 }).map(
    (count): Mutation =>
      (text, at) =>
        text.slice(0, at) + text.slice(at + count),
  ),
  fc.boolean().map((isMoved): Mutation => (text, at) => {
    const lines = text.split('\r\n');
    const from = at % lines.length;
    const line = isMoved ? (lines.splice(from, 1)[0] ?? '') : (lines[from] ?? '');
    lines.splice((at * 7) % (lines.length + 1), 0, line);
    return lines.join('\r\n');
  }),
  fc.constant<Mutation>((text, at) => text.slice(0, at).toUpperCase() + text.slice(at)),
);

/** A valid request with a few mutations. */
export const mutatedRequest = fc
  .tuple(
    fc.constantFrom(...VALID_REQUESTS),
    fc.array(fc.tuple(mutation, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 3 }),
  )
  .map(([request, mutations]) =>
    mutations.reduce(
      (text, [mutate, share]) => mutate(text, Math.min(text.length, Math.floor(share * text.length))),
      request,
    ),
  );
