/**
 * What the middleware `limit` costs a request: the same request and response with and without it, down to the text of both
 * heads, from 1,000 clients in turn. The worker holds leases, as it does for limits of 100 and more under load, so
 * that it decides by itself. The budget is 1.5 µs of CPU.
 */
import { Http1Exchange } from '../../internal/downstream/http1/http1-exchange.ts';
import { type Filter, ResponseHead } from '../../internal/exchange/index.ts';
import { memoryContext } from '../../internal/exchange/testing/memory-context.ts';
import type { LimitTag } from '../../internal/feature/limit/limit-key.ts';
import { limitFilter } from '../../internal/feature/limit/limit-filter.ts';
import { LimitLeases } from '../../internal/feature/limit/limit-leases.ts';
import type { CountRule } from '../../internal/feature/limit/limit-messages.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader, ResponseHeadReader } from '../../internal/http1/index.ts';
import { KEEP_ALL } from '../../internal/message/index.ts';
import { bench, type BenchResult, keep } from './harness.ts';
import { MemorySession, SERVICE } from './testdata/exchange.ts';
import { REQUESTS, RESPONSES } from './testdata/heads.ts';

const BUDGET = 1500;
const CLIENTS = 1000;
const MAX = 1_000_000_000;
const WINDOW: CountRule = { type: 'rate', algorithm: 'window', max: MAX, interval: 60_000, burst: MAX, weight: 50 };
const OUTCOME = { status: 200, bytesIn: 0, bytesOut: 0, error: null, started: 0 };

const [REQUEST] = REQUESTS;
const [RESPONSE] = RESPONSES;
const request = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
request.feed(REQUEST.head, 0, REQUEST.head.length);
const response = new ResponseHeadReader(DEFAULT_HEAD_LIMITS);
response.feed(RESPONSE.head, 0, RESPONSE.head.length);
const session = new MemorySession();
const addresses = Array.from({ length: CLIENTS }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
const context = memoryContext();

/** A filter whose leases last for the whole benchmark. */
function limited(tag: LimitTag, rule: CountRule, refused = false): Filter {
  const now = (): number => performance.now();
  const failed = (error: unknown): void => {
    throw error;
  };
  const leases = new LimitLeases({ id: 'a', rule, line: context.line, now, failed });
  for (const key of [...addresses, request.fields.get('accept') ?? '']) {
    const entry = leases.get(key);
    entry.held = refused ? 0 : rule.type === 'inflight' ? 1000 : Number.MAX_SAFE_INTEGER;
    entry.heldUntil = entry.refusedUntil = Number.POSITIVE_INFINITY;
  }
  return limitFilter({ tag, rule, step: 'request' }, { name: 'a', slot: () => context.slot(), leases, now });
}

let client = 0;

/** An exchange of the client whose turn it is. */
class ClientsExchange extends Http1Exchange {
  override get originAddress(): string {
    return addresses[client];
  }
}

/** One request: its head for the upstream, and the head of its response for the client. */
function serve(filter: Filter | null): number {
  const exchange = new ClientsExchange(session.asSession, SERVICE, request.fields);
  client = client === CLIENTS - 1 ? 0 : client + 1;
  filter?.onRequest?.(exchange);
  const upstream = exchange.requestFields.lines(KEEP_ALL);
  const head = new ResponseHead(response.status, response.reason, response.fields.copy(), 1000, false);
  filter?.onResponse?.(exchange, head);
  filter?.onEnd?.(exchange, OUTCOME);
  return upstream.length + head.fields.lines(KEEP_ALL).length;
}

function row(name: string, filter: Filter | null): Promise<BenchResult> {
  return bench(name, (ops) => {
    for (let n = 0; n < ops; n++) keep(serve(filter));
  });
}

const nothing = await row('no middleware', null);
const rows = [
  await row('limit: window', limited({ by: 'ip' }, WINDOW)),
  await row('limit: gcra', limited({ by: 'ip' }, { ...WINDOW, algorithm: 'gcra' })),
  await row('limit: in flight', limited({ by: 'ip' }, { type: 'inflight', max: MAX })),
  await row('limit: by a header field', limited({ by: 'header', name: 'Accept' }, WINDOW)),
  await row('limit: refused from memory', limited({ by: 'ip' }, WINDOW, true)),
];

for (const { name, cpu } of rows) {
  const cost = cpu - nothing.cpu;
  console.log(`${name.padEnd(58)}${cost.toFixed(0).padStart(8)} ns of CPU a request; the budget is ${BUDGET}`);
}
