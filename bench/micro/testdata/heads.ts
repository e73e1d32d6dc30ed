/** Message heads as they come off the wire, of the sizes that API clients, browsers and servers send. */

const API_CLIENT = [
  'GET /v1/items/42?fields=name HTTP/1.1',
  'Host: api.example.com',
  'User-Agent: example-client/1.4',
  'Accept: application/json',
  'Authorization: Bearer 0123456789abcdef',
  'Connection: keep-alive',
];

const BROWSER = [
  'GET /assets/app.3f9c.js HTTP/1.1',
  'Host: www.example.com',
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: */*',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: no-cors',
  'Sec-Fetch-Dest: script',
  'Referer: https://www.example.com/products/list?page=3',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'If-None-Match: "5d8c72a5edda8d6a"',
  'Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1',
];

const COOKIE_HEAVY = [...BROWSER.slice(0, -1), `Cookie: ${'id=0123456789abcdef; '.repeat(170)}end=1`];

const SMALL_RESPONSE = [
  'HTTP/1.1 200 OK',
  'Server: nginx/1.26.3',
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'Content-Type: text/plain',
  'Content-Length: 2',
  'Connection: keep-alive',
];

const CHUNKED_RESPONSE = [
  'HTTP/1.1 200 OK',
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'Content-Type: text/html; charset=utf-8',
  'Transfer-Encoding: chunked',
  'Connection: keep-alive',
  'Cache-Control: private, max-age=0, must-revalidate',
  'ETag: W/"5d8c72a5edda8d6a"',
  'Vary: Accept-Encoding, Cookie',
  'Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=Lax',
  "Content-Security-Policy: default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
  'Strict-Transport-Security: max-age=63072000; includeSubDomains',
  'X-Content-Type-Options: nosniff',
];

/** A head and what it stands for. */
export interface SampleHead {
  readonly name: string;
  readonly head: Buffer;
}

/** From a few fields to the largest that is still common. */
export const REQUESTS: readonly SampleHead[] = [
  sample('API client', API_CLIENT),
  sample('browser', BROWSER),
  sample('4 KiB of cookies', COOKIE_HEAVY),
];

/** What upstreams answer. */
export const RESPONSES: readonly SampleHead[] = [
  sample('small response', SMALL_RESPONSE),
  sample('chunked response of an application', CHUNKED_RESPONSE),
];

function sample(name: string, lines: readonly string[]): SampleHead {
  return { name, head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1') };
}
