import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { FlushResult } from '../../exchange/index.ts';
import { StagedBody } from '../../exchange/testing/staged-body.ts';
import { Fields } from '../../message/index.ts';
import type { BodyCodec } from './body-codec.ts';
import { CodecStage } from './codec-stage.ts';
import { decoderOf } from './decoders.ts';
import { encodersOf } from './encoders.ts';
import { noise, prose } from './testing/bodies.ts';
import { ZSTD } from './zstd.ts';

const DECODE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gunzipSync(bytes),
  br: (bytes) => zlib.brotliDecompressSync(bytes),
  zstd: (bytes) => (zlib as unknown as { zstdDecompressSync(bytes: Buffer): Buffer }).zstdDecompressSync(bytes),
};
const ENCODE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes),
  zstd: (bytes) => (zlib as unknown as { zstdCompressSync(bytes: Buffer): Buffer }).zstdCompressSync(bytes),
};
const NAMES = ['gzip', 'br', ...(ZSTD === null ? [] : ['zstd'])];
/** Levels of the quick way and of the one that always goes through the thread pool. */
const LEVELS = [
  { gzip: 6, br: 4, zstd: 3 },
  { gzip: 9, br: 7, zstd: 10 },
];

function encoder(name: string, levels = LEVELS[0]): BodyCodec {
  return encodersOf(levels).find((one) => one.name === name)!.codec;
}

function decoder(name: string): BodyCodec {
  return decoderOf(name)!;
}

/** A codec whose streams the test can look at. */
class WatchedCodec implements BodyCodec {
  readonly streams: Transform[] = [];
  readonly wholeBytes = 0;
  private readonly codec: BodyCodec;
  closed = 0;

  constructor(codec: BodyCodec) {
    this.codec = codec;
  }

  whole(body: Buffer): Buffer {
    return this.codec.whole(body);
  }

  open(): Transform {
    const stream = this.codec.open();
    stream.on('close', () => this.closed++);
    this.streams.push(stream);
    return stream;
  }

  check(bytesIn: number, bytesOut: number): ReturnType<BodyCodec['check']> {
    return this.codec.check(bytesIn, bytesOut);
  }

  failed(cause: Error, bytesOut: number): ReturnType<BodyCodec['failed']> {
    return this.codec.failed(cause, bytesOut);
  }
}

const closedOnce = async (codec: WatchedCodec, count: number): Promise<void> => {
  await expect.poll(() => codec.closed).toBe(count);
};

describe.each(NAMES)('a body encoded with %s', (name) => {
  it.each(LEVELS)('is the same when it is decoded, wherever it was cut, at levels %j', async (levels) => {
    const text = Buffer.from('<p>Sphinx of black quartz, judge my vow.</p>');
    for (let cut = 0; cut <= text.length; cut++) {
      const body = new StagedBody(new CodecStage(encoder(name, levels)));
      expect(DECODE[name](await body.send(text, [cut])).equals(text), `cut at ${cut}`).toBe(true);
    }
  });

  it.each([0, 1, 32_768, 32_769, 65_536, 1_000_000])('of %i bytes is the same when it is decoded', async (length) => {
    for (const whole of [prose(length), noise(length)]) {
      const cuts = Array.from({ length: Math.floor(length / 20_000) }, (_, i) => (i + 1) * 20_000);
      const streamed = new StagedBody(new CodecStage(encoder(name)));
      expect(DECODE[name](await streamed.send(whole, cuts)).equals(whole)).toBe(true);
      const atOnce = new StagedBody(new CodecStage(encoder(name)));
      expect(DECODE[name](await atOnce.send(whole, [])).equals(whole)).toBe(true);
    }
  });

  it('is there at once when it came as a whole and is small', () => {
    const body = new StagedBody(new CodecStage(encoder(name)));
    body.giveLast(prose(16_384));
    expect(DECODE[name](body.received).equals(prose(16_384))).toBe(true);
  });

  it('comes out as far as it went in, without waiting for more', async () => {
    const body = new StagedBody(new CodecStage(encoder(name)));
    const decoded = new StagedBody(new CodecStage(decoder(name)));
    let passed = 0;
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      const before = decoded.received.length;
      body.give(event);
      await body.until(() => body.received.length > passed);
      decoded.give(body.received.subarray(passed));
      passed = body.received.length;
      await decoded.until(() => decoded.received.length >= before + event.length);
      expect(decoded.received.toString().endsWith(event)).toBe(true);
    }
    body.close();
    decoded.close();
  });

  it('keeps its trailers, but for digests', async () => {
    for (const cuts of [[], [10]]) {
      const body = new StagedBody(new CodecStage(encoder(name)));
      const trailers = Fields.of([
        ['Server-Timing', 'db;dur=1'],
        ['Content-Digest', 'sha-256=:x:'],
      ]);
      await body.send(prose(100), cuts, trailers);
      expect(body.trailers).toBe('Server-Timing: db;dur=1\r\n');
    }
  });

  it('waits while the client has no room, and keeps little meanwhile', async () => {
    const body = new StagedBody(new CodecStage(encoder(name)));
    body.says = () => FlushResult.full;
    const whole = noise(2_000_000);
    let given = 0;
    while (given < whole.length) {
      const result = body.give(whole.subarray(given, given + 32_768));
      given += 32_768;
      if (result === FlushResult.full) break;
    }
    expect(given).toBeLessThanOrEqual(131_072);
    await body.until(() => body.full);
    const sending = body.send(whole.subarray(given), [500_000, 1_000_000]);
    // Each drain lets some bytes through, until the sink is full again.
    for (let drains = 0; !body.finished; drains++) {
      expect(drains).toBeLessThan(1000);
      body.drain();
      await body.until(() => body.full);
    }
    await sending;
    expect(DECODE[name](body.received).equals(whole)).toBe(true);
    expect(body.violations).toEqual([]);
  });

  it('leaves nothing open, however it ends', async () => {
    const codec = new WatchedCodec(encoder(name));
    const part = noise(40_000);
    for (let i = 0; i < 1000; i++) {
      const body = new StagedBody(new CodecStage(codec));
      body.says = (count) => (count === 0 ? FlushResult.taken : FlushResult.full);
      body.give(part);
      // Some are given up while a thread works, some when they wait for the client.
      if (i % 10 === 0) await body.until(() => body.received.length > 0);
      body.close();
    }
    expect(codec.streams).toHaveLength(1000);
    await closedOnce(codec, 1000);
    const complete = new StagedBody(new CodecStage(codec));
    await complete.send(prose(1000), [500]);
    await closedOnce(codec, 1001);
  });
});

describe.each(NAMES)('a body decoded from %s', (name) => {
  it('is what was encoded, wherever it was cut', async () => {
    const encoded = ENCODE[name](Buffer.from('Sphinx of black quartz, judge my vow.'));
    for (let cut = 0; cut <= encoded.length; cut++) {
      const body = new StagedBody(new CodecStage(decoder(name)));
      const decoded = await body.send(encoded, [cut]);
      expect(decoded.toString(), `cut at ${cut}`).toBe('Sphinx of black quartz, judge my vow.');
    }
  });

  it('stays empty when it is', async () => {
    const body = new StagedBody(new CodecStage(decoder(name)));
    expect(await body.send(Buffer.alloc(0), [])).toHaveLength(0);
    expect(body.error).toBeNull();
  });

  it.each([
    ['at once', 1],
    ['later', 3],
  ])('ends where it does, though zeros follow that come %s', async (_, batches) => {
    const codec = new WatchedCodec(decoder(name));
    const body = new StagedBody(new CodecStage(codec));
    const padding = Buffer.alloc(20_000);
    body.give(Buffer.concat([ENCODE[name](prose(10_000)), batches === 1 ? padding : Buffer.alloc(0)]));
    await body.until(() => body.received.length === 10_000);
    for (let i = 1; i < batches; i++) {
      await body.until(() => !body.paused);
      body.give(padding);
      // The codec tells in turns of its own that it has seen its end.
      await expect.poll(() => codec.streams[0].readableEnded || codec.closed > 0).toBe(true);
    }
    body.giveLast(batches === 1 ? '' : padding);
    await body.over;
    expect([body.error, body.received.equals(prose(10_000))]).toEqual([null, true]);
    await closedOnce(codec, 1);
  });

  it('is given up where it ends too early', async () => {
    const encoded = ENCODE[name](prose(10_000));
    const body = new StagedBody(new CodecStage(decoder(name)));
    await body.send(encoded.subarray(0, -12), []);
    expect(body.error?.code).toBe('bad_response');
  });

  it('is given up where it is something else', async () => {
    const codec = new WatchedCodec(decoder(name));
    const body = new StagedBody(new CodecStage(codec));
    await body.send(Buffer.from('{"this":"is","not":"encoded","at":"all"}'), [5]);
    expect(body.error?.code).toBe('bad_response');
    await closedOnce(codec, 1);
  });

  it('is given up where it would be a thousand times as long', async () => {
    const bomb = ENCODE[name](Buffer.alloc(64 << 20));
    const codec = new WatchedCodec(decoder(name));
    const body = new StagedBody(new CodecStage(codec));
    await body.send(bomb, []);
    expect(body.error?.message).toContain('more than 200 times its size');
    expect(body.received.length).toBeLessThan(17 << 20);
    await closedOnce(codec, 1);
  });
});
