/**
 * What access logging costs a request: filling a record from a request head, formatting the line, and the share of
 * writing it to a real file. The budget is 1.5 µs of CPU; the two rows that say "log" are what a request pays.
 *
 *     node bench/micro/access-record.ts        (Node 22.18 or later; see harness.ts for Node 20)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessLog, AccessRecord, LogFiles, type LogFile, type RotateOptions } from '../../internal/logger/index.ts';
import { formatAccessRecord } from '../../internal/logger/access-line.ts';
import { bench, keep, lastKept, type BenchResult } from './harness.ts';

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const REFERER = 'https://www.example.com/catalogue/shoes';
const HEAD = Buffer.from(
  'GET /api/v1/items/12345?page=2&sort=name HTTP/1.1\r\nHost: www.example.com\r\n' +
    `Referer: ${REFERER}\r\nUser-Agent: ${USER_AGENT}\r\n\r\n`,
);
const at = (text: string): [number, number] => [HEAD.indexOf(text), HEAD.indexOf(text) + text.length];
const PATH_AT = at('/api/v1/items/12345');
const QUERY_AT = at('page=2&sort=name');
const HOST_AT = at('www.example.com');
const REFERER_AT = at(REFERER);
const USER_AGENT_AT = at(USER_AGENT);

/** Enough that no two connections in a row have the same. */
const CLIENTS = Array.from({ length: 64 }, (_, n) => `203.0.113.${n}`);
const RECORD = new AccessRecord();

/** As a session does it: text comes fresh from the wire, so that nothing is found to be the same by its address. */
function fill(n: number, client: string): AccessRecord {
  RECORD.reset(1_790_000_000_000 + (n >> 4));
  RECORD.client = client;
  RECORD.method = 'GET';
  RECORD.host = HEAD.toString('latin1', ...HOST_AT);
  RECORD.path = HEAD.toString('latin1', ...PATH_AT);
  RECORD.query = HEAD.toString('latin1', ...QUERY_AT);
  RECORD.protocol = 'HTTP/1.1';
  RECORD.status = 200;
  RECORD.bytesIn = HEAD.length;
  RECORD.bytesOut = 1234 + (n & 1023);
  RECORD.duration = 0.2 + (n & 4095) / 100;
  RECORD.upstream = '10.0.0.7:8080';
  RECORD.upstreamConnect = 0;
  RECORD.upstreamHeader = (n & 4095) / 110;
  RECORD.upstreamResponse = (n & 4095) / 105;
  RECORD.route = 'web:3';
  RECORD.userAgent = HEAD.toString('latin1', ...USER_AGENT_AT);
  RECORD.referer = HEAD.toString('latin1', ...REFERER_AT);
  return RECORD;
}

/** A request may not cost more than this, in nanoseconds of CPU. */
const BUDGET = 1500;
/** Requests between two waits for the file, so that writing keeps up and nothing is dropped. */
const OPS = 5000;
const ROUNDS = 60;

async function benchFile(name: string, files: LogFiles, path: string, rotate: RotateOptions | null): Promise<BenchResult> {
  const file: LogFile = await files.acquire(path, rotate);
  const log = new AccessLog(file);
  const result = await bench(
    name,
    (ops) => {
      for (let n = 0; n < ops; n++) log.write(fill(n, CLIENTS[0]!));
    },
    { ops: OPS, rounds: ROUNDS, warmUp: 30, settle: () => file.flush() },
  );
  await files.release(file);
  return result;
}

const folder = await mkdtemp(join(tmpdir(), 'prox-bench-'));
const files = new LogFiles((message, fields) => console.log(message, fields));

const filling = await bench('fill the record (strings from a head)', (ops) => {
  for (let n = 0; n < ops; n++) keep(fill(n, CLIENTS[0]!));
});
await bench('fill, format: same client', (ops) => {
  for (let n = 0; n < ops; n++) keep(formatAccessRecord(fill(n, CLIENTS[0]!)));
});
await bench('fill, format: another client each time', (ops) => {
  for (let n = 0; n < ops; n++) keep(formatAccessRecord(fill(n, CLIENTS[n & 63]!)));
});
await bench('fill, JSON.stringify, for comparison', (ops) => {
  for (let n = 0; n < ops; n++) keep(JSON.stringify(fill(n, CLIENTS[0]!)));
});
const plain = await benchFile('fill, log to a file', files, join(folder, 'access.log'), null);
const rotate = { frequency: null, size: 64 * 1024 * 1024, keep: 1 };
const rolled = await benchFile('fill, log to a file that rotates', files, join(folder, 'rolled.log'), rotate);
await files.close();
await rm(folder, { recursive: true });

console.log(`one line is ${String(lastKept()).length} bytes`);
for (const [name, result] of [
  ['file', plain],
  ['rotated file', rolled],
] as const) {
  const cost = result.cpu - filling.cpu;
  console.log(`access logging, ${name}: ${cost.toFixed(0)} ns of CPU a request, the budget is ${BUDGET}`);
}
