/**
 * What writing heads costs, by the code that writes them: the request head to an upstream, and the response head to the
 * client. The string is copied out as well, as it is put together from its parts only then.
 */
import { describeRequest } from '../../internal/downstream/http1/describe-request.ts';
import { Http1Exchange } from '../../internal/downstream/http1/http1-exchange.ts';
import { compileFieldValue } from '../../internal/exchange/field-template.ts';
import { DEFAULT_HEAD_LIMITS, RequestHeadReader, ResponseHeadReader } from '../../internal/http1/index.ts';
import { dropTable, FieldId, KEEP_ALL, responseFraming } from '../../internal/message/index.ts';
import { ownedNames } from '../../internal/proxy/owned-names.ts';
import type { RequestEdits } from '../../internal/proxy/upstream-fields.ts';
import { upstreamHead } from '../../internal/proxy/upstream-head.ts';
import { parsePeer } from '../../internal/upstream/index.ts';
import { bench, keep } from './harness.ts';
import { MemorySession, SERVICE } from './testdata/exchange.ts';
import { REQUESTS, RESPONSES, type SampleHead } from './testdata/heads.ts';

const PEER = parsePeer('10.0.0.7:8080');

const NO_EDITS: RequestEdits = {
  host: null,
  preserveHost: false,
  fields: [],
  owned: ownedNames([], true),
  replaced: KEEP_ALL,
  close: false,
};

const EDITS: RequestEdits = {
  ...NO_EDITS,
  fields: [
    { name: 'X-Api-Version', value: compileFieldValue('2') },
    { name: 'X-Forwarded-Proto', value: compileFieldValue('https') },
  ],
  owned: ownedNames(['X-Api-Version', 'X-Forwarded-Proto'], true),
  replaced: dropTable(FieldId.xForwardedProto),
};

const MEMORY = Buffer.alloc(65_536);

async function benchRequest({ name, head }: SampleHead, how: string, edits: RequestEdits): Promise<void> {
  const reader = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  reader.feed(head, 0, head.length);
  const exchange = new Http1Exchange(new MemorySession().asSession, SERVICE, reader.fields);
  describeRequest(reader, exchange);
  await bench(`to the upstream: ${name}${how}`, (ops) => {
    for (let i = 0; i < ops; i++) keep(MEMORY.write(upstreamHead(exchange, exchange, PEER, edits), 0, 'latin1'));
  });
}

async function benchResponse({ name, head }: SampleHead): Promise<void> {
  const reader = new ResponseHeadReader(DEFAULT_HEAD_LIMITS);
  reader.feed(head, 0, head.length);
  const framing = responseFraming(reader.fields, reader.minorVersion, reader.status, 'GET');
  const request = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  request.feed(REQUESTS[0].head, 0, REQUESTS[0].head.length);
  const session = new MemorySession();
  await bench(`to the client: ${name}`, (ops) => {
    for (let i = 0; i < ops; i++) {
      const exchange = new Http1Exchange(session.asSession, SERVICE, request.fields);
      exchange.method = 'GET';
      exchange.respond(reader.status, reader.reason, reader.fields, framing);
      keep(session.flush());
    }
  });
}

for (const sample of REQUESTS) await benchRequest(sample, '', NO_EDITS);
await benchRequest(REQUESTS[0], ', two fields set by the config', EDITS);
for (const sample of RESPONSES) await benchResponse(sample);
