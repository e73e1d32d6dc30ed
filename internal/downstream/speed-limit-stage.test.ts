import { describe, expect, it } from 'vitest';
import { BodyPipeline, type BodySink, FlushResult } from '../exchange/index.ts';
import { Fields } from '../message/index.ts';
import { createThrottle } from '../throttle/index.ts';
import { SpeedLimitStage } from './speed-limit-stage.ts';

/** A stage of 8 Mbit/s, which is 1000 bytes a millisecond, with a burst of 100 ms, and a clock that is moved by hand. */
class Limited {
  now = 0;
  readonly log: string[] = [];
  sink: FlushResult = FlushResult.taken;
  readonly pipeline: BodyPipeline;
  private timer: { readonly run: () => void; readonly at: number } | null = null;

  constructor() {
    const throttle = createThrottle({
      mbps: 8,
      now: () => this.now,
      schedule: (run, ms) => {
        this.timer = { run, at: this.now + ms };
        return () => (this.timer = null);
      },
    });
    const sink: BodySink = {
      write: (_buffer, start, end) => void this.log.push(`write ${end - start}`),
      flush: () => {
        this.log.push('flush');
        return this.sink;
      },
      end: (trailers) => {
        this.log.push(trailers === null ? 'end' : `end ${trailers.get('a')}`);
        return FlushResult.taken;
      },
    };
    const owner = {
      guard: (action: () => void) => action(),
      fail: () => expect.fail('the stage failed'),
      onDrain: () => void this.log.push('drained'),
    };
    this.pipeline = new BodyPipeline([new SpeedLimitStage(throttle)], sink, owner);
  }

  write(bytes: number): void {
    this.pipeline.write(Buffer.alloc(bytes), 0, bytes);
  }

  /** Lets the timer come. */
  wait(): void {
    const { timer } = this;
    this.timer = null;
    this.now = timer?.at ?? this.now;
    timer?.run();
  }

  /** What has happened since the last call. */
  events(): string {
    return this.log.splice(0).join(', ');
  }
}

describe('a speed limit', () => {
  it('passes what the burst allows at once', () => {
    const limited = new Limited();
    limited.write(100_000);
    expect(limited.pipeline.flush()).toBe(FlushResult.taken);
    expect(limited.events()).toBe('write 100000, flush');
  });

  it('holds the rest, wants no more meanwhile, and says when there is room', () => {
    const limited = new Limited();
    limited.write(130_000);
    expect(limited.pipeline.flush()).toBe(FlushResult.full);
    expect(limited.events()).toBe('write 100000, flush');
    limited.wait();
    expect(limited.events()).toBe('write 30000, flush, drained');
  });

  it('waits for its sink as well', () => {
    const limited = new Limited();
    limited.write(130_000);
    limited.sink = FlushResult.full;
    limited.wait();
    limited.events();
    limited.sink = FlushResult.taken;
    limited.pipeline.onDrain();
    expect(limited.events()).toBe('drained');
  });

  it('says nothing of room in its sink while it holds bytes', () => {
    const limited = new Limited();
    limited.write(130_000);
    limited.events();
    limited.pipeline.onDrain();
    expect(limited.events()).toBe('');
  });

  it('ends behind the bytes that it holds, with the trailers', () => {
    const limited = new Limited();
    limited.write(130_000);
    expect(limited.pipeline.end(Fields.of([['A', 'b']]))).toBe(FlushResult.pending);
    limited.events();
    limited.wait();
    expect(limited.events()).toBe('write 30000, end b');
  });

  it('passes nothing on once it is closed', () => {
    const limited = new Limited();
    limited.write(130_000);
    limited.events();
    limited.pipeline.close();
    limited.wait();
    expect(limited.events()).toBe('');
  });
});
