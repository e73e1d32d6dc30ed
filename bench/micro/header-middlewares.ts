/**
 * What the middlewares for headers cost a request: the same request and response with and without them, down to the text
 * of both heads. The budget of each is 1.5 µs of CPU.
 */
import { Http1Exchange } from '../../internal/downstream/http1/http1-exchange.ts';
import { type Filter, ResponseHead } from '../../internal/exchange/index.ts';
import { memoryContext } from '../../internal/exchange/testing/memory-context.ts';
import type { PluginEntry } from '../../internal/config/index.ts';
import { requestId } from '../../internal/feature/request-id/index.ts';
import { responseHeaders } from '../../internal/feature/response-headers/index.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader, ResponseHeadReader } from '../../internal/http1/index.ts';
import { KEEP_ALL } from '../../internal/message/index.ts';
import { bench, type BenchResult, keep } from './harness.ts';
import { MemorySession, SERVICE } from './testdata/exchange.ts';
import { REQUESTS, RESPONSES } from './testdata/heads.ts';

/** A request may not cost more than this, in nanoseconds of CPU. */
const BUDGET = 1500;

const refuse = (_: unknown, message: string): never => {
  throw new Error(message);
};
const ENTRY: PluginEntry = { name: 'a', report: refuse, reportMissing: refuse, warn: refuse, absolute: (path) => path };

const [REQUEST] = REQUESTS;
const [RESPONSE] = RESPONSES;
const request = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
request.feed(REQUEST.head, 0, REQUEST.head.length);
const response = new ResponseHeadReader(DEFAULT_HEAD_LIMITS);
response.feed(RESPONSE.head, 0, RESPONSE.head.length);
const session = new MemorySession();

/** One request: its head for the upstream, and the head of its response for the client. */
function serve(filter: Filter | null): number {
  const exchange = new Http1Exchange(session.asSession, SERVICE, request.fields);
  filter?.onRequest?.(exchange);
  const upstream = (exchange.effective ?? exchange).requestFields.lines(KEEP_ALL);
  const head = new ResponseHead(response.status, response.reason, response.fields.copy(), 1000, false);
  filter?.onResponse?.(exchange, head);
  return upstream.length + head.fields.lines(KEEP_ALL).length;
}

function row(name: string, filter: Filter | null): Promise<BenchResult> {
  return bench(name, (ops) => {
    for (let n = 0; n < ops; n++) keep(serve(filter));
  });
}

const context = memoryContext();
const headers = (raw: object): Filter =>
  responseHeaders.compile(responseHeaders.build({ category: 'response_headers', ...raw }, ENTRY) as never, context);
const ids = (raw: object): Filter =>
  requestId.compile(requestId.build({ category: 'request_id', ...raw }, ENTRY) as never, context);

const nothing = await row('no middleware', null);
const rows = [
  await row('response_headers: two set', headers({ set: { 'X-Frame-Options': 'DENY', 'X-A': 'b' } })),
  await row(
    'response_headers: one set, one removed, one renamed',
    headers({ set: { 'X-Frame-Options': 'DENY' }, remove: ['Server'], rename: { 'X-Powered-By': 'X-Engine' } }),
  ),
  await row('response_headers: one with placeholders', headers({ set: { 'X-A': '{method} of {client}' } })),
  await row('request_id: UUID', ids({})),
  await row('request_id: nanoid', ids({ algorithm: 'nanoid' })),
];

for (const { name, cpu } of rows) {
  const cost = cpu - nothing.cpu;
  console.log(`${name.padEnd(58)}${cost.toFixed(0).padStart(8)} ns of CPU a request; the budget is ${BUDGET}`);
}
