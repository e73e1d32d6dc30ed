/** What the middleware compression costs a response: its head, where nothing is compressed and where it is, and its body. */
import { compressionFilter } from '../../internal/feature/compression/compression.ts';
import { CodecStage } from '../../internal/feature/compression/codec-stage.ts';
import { COMPRESSED_TYPES } from '../../internal/feature/compression/content-types.ts';
import { encodersOf } from '../../internal/feature/compression/encoders.ts';
import {
  BodyPipeline,
  type BodySink,
  type Exchange,
  FlushResult,
  ResponseHead,
} from '../../internal/exchange/index.ts';
import { Fields } from '../../internal/message/index.ts';
import { bench, keep } from './harness.ts';

const filter = compressionFilter({
  levels: { gzip: 6, br: 6, zstd: 6 },
  mode: 'downstream',
  minLength: 1024,
  types: COMPRESSED_TYPES,
  decompression: false,
});

async function benchHead(name: string, acceptEncoding: string, type: string): Promise<void> {
  const requestFields = Fields.of([
    ['User-Agent', 'orders-client/4.1'],
    ['Accept', 'application/json'],
    ['Accept-Encoding', acceptEncoding],
  ]);
  const exchange = { requestFields } as Exchange;
  await bench(`head: ${name}`, (ops) => {
    for (let i = 0; i < ops; i++) {
      const fields = Fields.of([
        ['Content-Type', type],
        ['ETag', '"65f2-4000"'],
        ['Content-Length', '16384'],
      ]);
      const head = new ResponseHead(200, 'OK', fields, 16_384, false);
      filter.onResponse?.(exchange, head);
      keep(head.framing);
    }
  });
}

await benchHead('another type', 'gzip', 'image/png');
await benchHead('a client that accepts nothing', 'identity', 'application/json');
await benchHead('gzip', 'gzip', 'application/json');

let out = 0;

function pipeline(over: () => void): BodyPipeline {
  const [encoder] = encodersOf({ gzip: 6, br: 0, zstd: 0 });
  const sink: BodySink = {
    write: (_buffer, start, end) => void (out += end - start),
    flush: () => FlushResult.taken,
    end() {
      over();
      return FlushResult.taken;
    },
  };
  const owner = { guard: (action: () => void) => action(), fail: () => {}, onDrain: () => {} };
  return new BodyPipeline([new CodecStage(encoder.codec)], sink, owner);
}

function json(bytes: number): Buffer {
  const orders = Array.from({ length: bytes / 64 }, (_, i) => ({
    id: (i * 7919) % 100_003,
    name: `customer ${(i * 31) % 997}`,
    total: ((i * 104_729) % 9973) / 100,
    active: i % 3 === 0,
  }));
  return Buffer.from(JSON.stringify(orders)).subarray(0, bytes);
}

/** @param pieces how many reads the body comes in, each flushed but the last, which ends it */
async function benchBody(bytes: number, pieces: number): Promise<void> {
  const body = json(bytes);
  const size = bytes / pieces;
  await bench(`gzip 6: ${bytes} bytes of JSON in ${pieces} ${pieces === 1 ? 'read' : 'reads'}`, async (ops) => {
    for (let i = 0; i < ops; i++) {
      await new Promise<void>((resolve) => {
        const stages = pipeline(resolve);
        for (let at = 0; at < bytes; at += size) {
          stages.write(body, at, at + size);
          if (at + size < bytes) stages.flush();
        }
        stages.end(null);
      });
    }
    keep(out);
  });
}

for (const bytes of [1024, 16_384, 32_768]) await benchBody(bytes, 1);
await benchBody(16_384, 2);
await benchBody(262_144, 8);
