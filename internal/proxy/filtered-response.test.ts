import { describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { type Action, Answer, FlushResult, ResponseHead, type ResponseVerdict, RETRY, Run } from '../exchange/index.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { Fields } from '../message/index.ts';
import { FilteredResponse, type ResponseJudge } from './filtered-response.ts';

/** A response under filters with these verdicts. `log` records the calls that it makes. */
class Judged {
  readonly log: string[] = [];
  readonly exchange = new MemoryExchange();
  readonly response: FilteredResponse;
  private attempts: number;
  private run: Run<unknown> | null = null;

  /** @param attempts how often the request may be sent again */
  constructor({ attempts }: { readonly attempts: number }, ...verdicts: readonly ResponseVerdict[]) {
    this.attempts = attempts;
    const head = new ResponseHead(200, 'OK', new Fields(), 5, false);
    const judge: ResponseJudge = {
      guard: (action) => action(),
      waitFor: (run) => void (this.run = run),
      hold: () => void this.log.push('hold'),
      accept: () => void this.log.push('accept'),
      released: (flushed) => void this.log.push(`released ${flushed}`),
      tryAgain: () => this.attempts-- > 0,
      replaceBy: (action: Action) => void this.log.push(`replaced by ${action === ANSWER ? 'the answer' : 'another'}`),
      failed: (error) => {
        this.log.push(`failed ${error.code}`);
        this.response.drop();
      },
    };
    this.response = new FilteredResponse(head, this.exchange, judge);
    this.response.decide(verdicts.map((verdict) => ({ onUpstreamResponse: () => verdict })));
  }

  /** Gives the whole body in two reads. */
  giveBody(): void {
    this.response.write(Buffer.from('-hel-'), 1, 4);
    this.response.flush();
    const reused = Buffer.from('lo');
    this.response.write(reused, 0, 2);
    expect(this.response.end(null)).toBe(FlushResult.taken);
    // Held bytes must not point into memory of the connection.
    if (this.waits) reused.fill('x');
  }

  get waits(): boolean {
    return this.run !== null;
  }
}

const ANSWER = new Answer(418, new Fields());

/** A run, and what ends it. */
function pending(): { run: Run<null>; end: (error?: ProxyError) => Promise<void> } {
  let settle: (error?: ProxyError) => void = () => {};
  const run = new Run<null>(
    10_000,
    () => new Promise((resolve, reject) => (settle = (error) => (error === undefined ? resolve(null) : reject(error)))),
  );
  return {
    run,
    end: async (error) => {
      settle(error);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('a response that filters look at', () => {
  it('goes on as it comes when all filters go on', () => {
    const judged = new Judged({ attempts: 1 }, null, null);
    judged.giveBody();
    expect(judged.log).toEqual(['accept']);
    expect(judged.exchange.events).toEqual(['respond 200', 'write 3', 'flush', 'write 2', 'end']);
    expect(judged.exchange.body.toString()).toBe('hello');
  });

  it('is held while a filter waits, whole or in part', async () => {
    const { run, end } = pending();
    const judged = new Judged({ attempts: 1 }, run);
    expect(judged.log).toEqual(['hold']);
    judged.giveBody();
    expect(judged.exchange.events).toEqual([]);
    await end();
    expect(judged.log).toEqual(['hold', 'accept']);
    expect(judged.exchange.events).toEqual(['respond 200', 'write 3', 'write 2', 'end']);
    expect(judged.exchange.body.toString()).toBe('hello');
  });

  it('is read on after the wait', async () => {
    const { run, end } = pending();
    const judged = new Judged({ attempts: 1 }, run);
    judged.response.write(Buffer.from('hel'), 0, 3);
    expect(judged.response.flush()).toBe(FlushResult.taken);
    await end();
    expect(judged.log).toEqual(['hold', 'accept', `released ${FlushResult.taken}`]);
    judged.response.write(Buffer.from('lo'), 0, 2);
    judged.response.end(null);
    expect(judged.exchange.body.toString()).toBe('hello');
  });

  it('goes nowhere when another action answers', () => {
    const judged = new Judged({ attempts: 1 }, ANSWER);
    judged.giveBody();
    expect([judged.log, judged.exchange.events]).toEqual([['replaced by the answer'], []]);
  });

  it('goes nowhere when the request is sent again', () => {
    const judged = new Judged({ attempts: 1 }, RETRY);
    judged.giveBody();
    expect([judged.log, judged.exchange.events]).toEqual([[], []]);
  });

  it('goes on when there is no other attempt', () => {
    const judged = new Judged({ attempts: 0 }, RETRY);
    judged.giveBody();
    expect(judged.log).toEqual(['accept']);
    expect(judged.exchange.body.toString()).toBe('hello');
  });

  it('goes nowhere when a filter fails', async () => {
    const { run, end } = pending();
    const judged = new Judged({ attempts: 1 }, run);
    await end(new ProxyError('dial_failed', 'refused'));
    judged.giveBody();
    expect([judged.log, judged.exchange.events]).toEqual([['hold', 'failed dial_failed'], []]);
  });

  it('goes nowhere once it is not wanted any more', () => {
    const judged = new Judged({ attempts: 1 }, pending().run);
    judged.response.write(Buffer.from('hel'), 0, 3);
    judged.response.drop();
    judged.giveBody();
    expect(judged.exchange.events).toEqual([]);
  });
});
