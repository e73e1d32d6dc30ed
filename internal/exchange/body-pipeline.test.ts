import { describe, expect, it } from 'vitest';
import { Fields } from '../message/index.ts';
import { BodyPipeline } from './body-pipeline.ts';
import { type BodySink, BodyStage } from './body-stage.ts';
import { FlushResult } from './flush-result.ts';

/** Notes what it gets, and passes it on in capital letters. */
class CapitalStage extends BodyStage {
  private readonly name: string;
  private readonly log: string[];

  constructor(name: string, log: string[]) {
    super();
    this.name = name;
    this.log = log;
  }

  write(buffer: Buffer, start: number, end: number): void {
    const text = buffer.toString('latin1', start, end);
    this.log.push(`${this.name} ${text}`);
    const changed = Buffer.from(`${text.toUpperCase()}${this.name}`);
    this.next.write(changed, 0, changed.length);
  }

  override onDrain(): void {
    this.log.push(`${this.name} drained`);
    super.onDrain();
  }

  override close(): void {
    super.close();
    this.log.push(`${this.name} closed`);
  }
}

function setUp(): { log: string[]; pipeline: BodyPipeline; trailers: (Fields | null)[] } {
  const log: string[] = [];
  const trailers: (Fields | null)[] = [];
  const sink: BodySink = {
    write: (buffer, start, end) => void log.push(`out ${buffer.toString('latin1', start, end)}`),
    flush: () => {
      log.push('flush');
      return FlushResult.full;
    },
    end: (given) => {
      log.push('end');
      trailers.push(given);
      return FlushResult.taken;
    },
  };
  const owner = {
    guard: (action: () => void) => action(),
    fail: () => {},
    onDrain: () => void log.push('source drained'),
  };
  const stages = [new CapitalStage('1', log), new CapitalStage('2', log)];
  return { log, pipeline: new BodyPipeline(stages, sink, owner), trailers };
}

describe('a pipeline', () => {
  it('leads bytes through its stages in order', () => {
    const { log, pipeline } = setUp();
    pipeline.write(Buffer.from('-ab-'), 1, 3);
    expect(log).toEqual(['1 ab', '2 AB1', 'out AB12']);
  });

  it('says what its sink says', () => {
    const { log, pipeline } = setUp();
    expect([pipeline.flush(), pipeline.end(null)]).toEqual([FlushResult.full, FlushResult.taken]);
    expect(log).toEqual(['flush', 'end']);
  });

  it('leads room for more back to the source', () => {
    const { log, pipeline } = setUp();
    pipeline.onDrain();
    expect(log).toEqual(['2 drained', '1 drained', 'source drained']);
  });

  it('gives trailers that stay when the memory of their connection is used again', () => {
    const { pipeline, trailers } = setUp();
    const received = Fields.of([['A', 'b']]);
    pipeline.end(received);
    received.reset();
    expect(trailers[0]?.get('a')).toBe('b');
  });

  it('closes every stage', () => {
    const { log, pipeline } = setUp();
    pipeline.close();
    expect(log).toEqual(['1 closed', '2 closed']);
  });
});
