import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Answer, type BodyStage, FALLBACK } from '../../internal/exchange/index.ts';
import { Fields } from '../../internal/message/index.ts';
import { eventually } from '../testing/wait.ts';
import { PAIRINGS, PhaseHouse } from './house.ts';
import { GatheringStage, ShoutingStage, SlowStage } from './stages.ts';
import type { Answering } from './upstream-server.ts';

describe.each(PAIRINGS)('uploads of $client to $upstream', (pairing) => {
  let house: PhaseHouse;
  beforeAll(async () => {
    house = await PhaseHouse.start(pairing);
  });
  afterEach(() => house.reset());
  afterAll(() => house.stop());

  /** Sends uploads through these stages, and answers them when they are complete. */
  function through(...stages: readonly (() => BodyStage)[]): void {
    house.filter = {
      onRequest: (exchange) => {
        for (const make of stages) exchange.editRequest().transformBody(make());
        return null;
      },
    };
    house.upstream.answer = (response, request) => request.on('end', () => response.end('got it'));
  }

  it('go through a stage, with a length that is not known any more', async () => {
    through(() => new ShoutingStage());
    expect(await house.get('/a', { method: 'POST', body: ['hello'], fields: { 'content-length': '5' } })).toMatchObject(
      {
        status: 200,
        body: 'got it',
      },
    );
    expect(house.upstream.seen[0]).toMatchObject({ body: 'HELLO!', complete: true });
    expect(house.upstream.seen[0].fields['content-length']).toBeUndefined();
  });

  it('go through stages whole wherever they are cut', async () => {
    const text = 'hello world';
    through(
      () => new SlowStage(),
      () => new ShoutingStage(),
    );
    for (let cut = 1; cut < text.length; cut++) {
      await house.get('/a', { method: 'POST', body: [text.slice(0, cut), text.slice(cut)] });
      expect(house.upstream.seen.at(-1)).toMatchObject({ body: 'HELLO WORLD!', complete: true });
    }
  });

  it('go through a stage that keeps everything to the end, with their trailers', async () => {
    through(() => new GatheringStage());
    await house.get('/a', { method: 'POST', body: ['hel', 'lo'], trailers: { 'x-sum': '5' } });
    expect(house.upstream.seen[0]).toMatchObject({ body: 'hello', trailers: { 'x-sum': '5' }, complete: true });
  });

  it('without a body make no stage', async () => {
    through(() => new ShoutingStage());
    expect(await house.get('/a')).toMatchObject({ status: 200 });
    expect(house.upstream.seen[0].body).toBe('');
  });

  it('wait for an upstream that does not read, through a stage', async () => {
    const piece = 'x'.repeat(1_000_000);
    const slow = new SlowStage();
    through(() => slow);
    house.upstream.answer = (response, request) => {
      request.pause();
      setTimeout(() => request.resume(), 50);
      request.on('end', () => response.end('got it'));
    };
    expect(await house.get('/a', { method: 'POST', body: Array.from({ length: 10 }, () => piece) })).toMatchObject({
      status: 200,
    });
    expect(house.upstream.seen[0].body.length).toBe(10_000_000);
    expect(slow.most).toBeLessThan(1_000_000);
  });

  it.each<[string, number, Answering]>([
    ['are answered when they are complete', 200, (response, request) => request.on('end', () => response.end('ok'))],
    ['are answered early', 403, (response) => response.writeHead(403).end()],
    ['fail', 502, (response) => response.destroy()],
  ])('let go of a stage once when they %s', async (_how, status, answer) => {
    const stages = [new ShoutingStage(), new ShoutingStage()];
    through(...stages.map((stage) => () => stage));
    house.upstream.answer = answer;
    expect(await house.get('/a', { method: 'POST', body: ['hello'] })).toMatchObject({ status });
    expect(stages.map(({ closings }) => closings)).toEqual([1, 1]);
  });

  it('let go of a stage that no upstream comes to use', async () => {
    const stage = new ShoutingStage();
    through(() => stage);
    const { onRequest } = house.filter;
    house.filter = {
      onRequest: (exchange) => {
        onRequest?.(exchange);
        return new Answer(403, new Fields());
      },
    };
    expect(await house.get('/a', { method: 'POST', body: ['hello'] })).toMatchObject({ status: 403 });
    expect(stage.closings).toBe(1);
  });

  it.each([
    ['whole', { body: ['hello'] }],
    ['in part', { body: ['hello'], unfinished: true as const }],
    ['whole, without a byte', { body: [], trailers: { 'x-sum': '0' } }],
  ])('that were taken %s go to no fallback that would wait for them', async (_, wish) => {
    house.upstream.answer = (response, request) => {
      const refuse = (): unknown => response.writeHead(500).end();
      request.once('data', refuse).once('end', () => response.writableEnded || refuse());
    };
    house.filter = { onUpstreamResponse: (_exchange, head) => (head.status === 500 ? FALLBACK : null) };
    const asked = house.ask({ path: '/fallback/a', method: 'POST', ...wish });
    await eventually('the head of the answer', () => asked.status > 0);
    expect([asked.status, house.second.seen]).toEqual([503, []]);
    asked.abort();
  });

  it('are given up with their client, in the midst of a stage', async () => {
    const ends: number[] = [];
    const stages: ShoutingStage[] = [];
    through(() => {
      const stage = new ShoutingStage();
      stages.push(stage);
      return stage;
    });
    house.filter = { ...house.filter, onEnd: (_exchange, { status }) => void ends.push(status) };
    const asked = house.ask({ path: '/a', method: 'POST', body: ['hello'], unfinished: true });
    const seen = await house.upstream.request();
    await eventually('some of the body', () => seen.body === 'HELLO');
    asked.abort();
    await eventually('the end of the upstream request', () => seen.aborted);
    await eventually('the end', () => ends.length > 0);
    expect([ends, stages.map(({ closings }) => closings)]).toEqual([[499], [1]]);
  });
});
