/** What reading a head costs: the grammar alone, and with all that the exchange is to know of a request. */
import { describeRequest } from '../../internal/downstream/http1/describe-request.ts';
import { Http1Exchange } from '../../internal/downstream/http1/http1-exchange.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader, ResponseHeadReader } from '../../internal/http1/index.ts';
import { bench, keep } from './harness.ts';
import { MemorySession, SERVICE } from './testdata/exchange.ts';
import { REQUESTS, RESPONSES, type SampleHead } from './testdata/heads.ts';

async function benchRead(reader: RequestHeadReader | ResponseHeadReader, { name, head }: SampleHead): Promise<void> {
  const read = await bench(`read: ${name}, ${head.length} bytes`, (ops) => {
    for (let i = 0; i < ops; i++) {
      reader.reset();
      keep(reader.feed(head, 0, head.length));
    }
  });
  console.log(`${''.padEnd(58)}${(read.wall / head.length).toFixed(2).padStart(8)} ns a byte`);
}

async function benchDescribed({ name, head }: SampleHead): Promise<void> {
  const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  const session = new MemorySession().asSession;
  await bench(`read, make the exchange, describe: ${name}`, (ops) => {
    for (let i = 0; i < ops; i++) {
      reader.reset();
      reader.feed(head, 0, head.length);
      const exchange = new Http1Exchange(session, SERVICE, reader.fields);
      describeRequest(reader, exchange);
      keep(exchange);
    }
  });
}

for (const sample of REQUESTS) await benchRead(new RequestHeadReader(DEFAULT_HEAD_LIMITS), sample);
for (const sample of RESPONSES) await benchRead(new ResponseHeadReader(DEFAULT_HEAD_LIMITS), sample);
for (const sample of REQUESTS) await benchDescribed(sample);
