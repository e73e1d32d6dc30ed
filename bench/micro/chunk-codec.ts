/**
 * What a chunked body costs: decoding, from chunks as servers send them down to the smallest there are, and writing
 * chunks to a client.
 */
import { Http1Exchange } from '../../internal/downstream/http1/http1-exchange.ts';
import { BodyDecoder, type BodySink } from '../../internal/http1/index.ts';
import { CHUNKED, Fields } from '../../internal/message/index.ts';
import { bench, keep } from './harness.ts';
import { MemorySession, SERVICE } from './testdata/exchange.ts';

/** Bytes of one read from a socket. */
const READ_BYTES = 65_536;

let seen = 0;
const SINK: BodySink = {
  onBody(_buffer, start, end) {
    seen += end - start;
  },
};

function bodyOf(chunkBytes: number, contentBytes: number, extension = ''): Buffer {
  const chunk = `${chunkBytes.toString(16)}${extension}\r\n${'x'.repeat(chunkBytes)}\r\n`;
  return Buffer.from(`${chunk.repeat(Math.ceil(contentBytes / chunkBytes))}0\r\n\r\n`, 'latin1');
}

async function benchBody(name: string, body: Buffer): Promise<void> {
  const decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
  const result = await bench(`decode: ${name}, ${body.length} bytes`, (ops) => {
    for (let i = 0; i < ops; i++) {
      decoder.start(CHUNKED);
      for (let at = 0; at < body.length;) {
        at = decoder.feed(body, at, Math.min(body.length, at + READ_BYTES), SINK);
      }
    }
    keep(seen);
  });
  console.log(`${''.padEnd(58)}${((body.length / result.wall) * 1000).toFixed(0).padStart(8)} MB/s of the wire`);
}

await benchBody('one small chunk', bodyOf(2, 2));
await benchBody('chunks of 16 KiB', bodyOf(16_384, 1_048_576));
await benchBody('chunks of 1 KiB', bodyOf(1024, 1_048_576));
await benchBody('chunks of 16 bytes', bodyOf(16, 65_536));
await benchBody('chunks of 1 byte', bodyOf(1, 65_536));
await benchBody('chunks of 1 KiB with an extension', bodyOf(1024, 262_144, ';signature=0123456789abcdef'));

/** Chunks of a response, each sent when it is there. */
async function benchChunk(bytes: number): Promise<void> {
  const content = Buffer.alloc(bytes, 'x');
  const exchange = new Http1Exchange(new MemorySession().asSession, SERVICE, new Fields());
  exchange.respond(200, 'OK', new Fields(), CHUNKED);
  await bench(`write a chunk of ${bytes} bytes`, (ops) => {
    for (let i = 0; i < ops; i++) {
      exchange.write(content, 0, bytes);
      keep(exchange.flush());
    }
  });
}

for (const bytes of [16, 1024, 16_384]) await benchChunk(bytes);
