/** What reading a head costs, and writing its fields out again: the largest piece of user-land work of a request. */
import {
  DEFAULT_HEAD_LIMITS,
  dropTable,
  FieldId,
  RequestHeadReader,
  ResponseHeadReader,
} from '../../internal/http1/index.ts';
import { bench, keep } from './harness.ts';

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

const RESPONSE = [
  'HTTP/1.1 200 OK',
  'Server: nginx/1.26.3',
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'Content-Type: text/plain',
  'Content-Length: 2',
  'Connection: keep-alive',
];

const DROP = dropTable(FieldId.host, FieldId.connection, FieldId.keepAlive, FieldId.proxyConnection, FieldId.te);

function headOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

async function benchHead(name: string, reader: RequestHeadReader | ResponseHeadReader, head: Buffer): Promise<void> {
  const ops = Math.min(400_000, Math.round(160_000_000 / head.length));
  const read = await bench(
    `read: ${name}, ${head.length} bytes`,
    (count) => {
      for (let i = 0; i < count; i++) {
        reader.reset();
        keep(reader.feed(head, 0, head.length));
      }
    },
    { ops },
  );
  console.log(`${''.padEnd(52)}${(read.wall / head.length).toFixed(2).padStart(8)} ns a byte`);
  await bench(
    `write fields: ${name}`,
    (count) => {
      for (let i = 0; i < count; i++) keep(reader.fields.lines(DROP).length);
    },
    { ops },
  );
}

await benchHead('API client', new RequestHeadReader(DEFAULT_HEAD_LIMITS), headOf(API_CLIENT));
await benchHead('browser', new RequestHeadReader(DEFAULT_HEAD_LIMITS), headOf(BROWSER));
await benchHead('4 KiB of cookies', new RequestHeadReader(DEFAULT_HEAD_LIMITS), headOf(COOKIE_HEAVY));
await benchHead('response', new ResponseHeadReader(DEFAULT_HEAD_LIMITS), headOf(RESPONSE));
