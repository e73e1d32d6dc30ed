/**
 * What access logging costs a request: filling a record from a request head, formatting the line, and the share of
 * writing it to a real file. The budget is 1.5 µs of CPU; the last rows show what a request pays.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AccessLog, AccessRecord, LogFiles, type RotateOptions } from '../../internal/logger/index.ts';
import { formatAccessRecord } from '../../internal/logger/access-line.ts';
import { bench, keep, type BenchResult } from './harness.ts';

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
/** Requests that a busy loop handles in one turn; between turns, writes that are done are noticed. */
const TURN = 64;
/** A loop that does nothing but log makes 300 MB a second; without a wait the file could not keep up. */
const BURST = 2048;

async function benchFile(
  name: string,
  path: string,
  rotate: RotateOptions | null,
  client: (n: number) => string,
): Promise<BenchResult> {
  const file = await files.acquire(path, rotate);
  const log = new AccessLog(file);
  const result = await bench(name, async (ops) => {
    for (let n = 0; n < ops; n++) {
      log.write(fill(n, client(n)));
      if (n % TURN === 0) await setImmediate();
      if (n % BURST === 0) await file.flush();
    }
    await file.flush();
  });
  await files.release(file);
  return result;
}

const folder = await mkdtemp(join(tmpdir(), 'prox-bench-'));
const files = new LogFiles((message, fields) => console.log(message, fields));

const filling = await bench('fill the record (strings from a head)', (ops) => {
  for (let n = 0; n < ops; n++) keep(fill(n, CLIENTS[0]));
});
await bench('fill, format: same client', (ops) => {
  for (let n = 0; n < ops; n++) keep(formatAccessRecord(fill(n, CLIENTS[0])));
});
await bench('fill, format: another client each time', (ops) => {
  for (let n = 0; n < ops; n++) keep(formatAccessRecord(fill(n, CLIENTS[n & 63])));
});
await bench('fill, JSON.stringify, for comparison', (ops) => {
  for (let n = 0; n < ops; n++) keep(JSON.stringify(fill(n, CLIENTS[0])));
});
await bench('fill, turn the loop, for comparison', async (ops) => {
  for (let n = 0; n < ops; n++) {
    keep(fill(n, CLIENTS[0]));
    if (n % TURN === 0) await setImmediate();
  }
});
const rotate = { frequency: null, size: 64 * 1024 * 1024, keep: 1 };
const results = [
  await benchFile('fill, log: same client', join(folder, 'a.log'), null, () => CLIENTS[0]),
  await benchFile('fill, log: another client each time', join(folder, 'b.log'), null, (n) => CLIENTS[n & 63]),
  await benchFile('fill, log with rotation: same client', join(folder, 'c.log'), rotate, () => CLIENTS[0]),
];
await files.close();
await rm(folder, { recursive: true });

console.log(
  `one line is ${formatAccessRecord(fill(1, CLIENTS[0])).length} bytes; the budget is ${BUDGET} ns of CPU a request`,
);
for (const { name, cpu } of results) {
  console.log(`${name.padEnd(58)}${(cpu - filling.cpu).toFixed(0).padStart(8)} ns of CPU above the filling`);
}
