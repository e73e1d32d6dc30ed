import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  Answer,
  type ResponseDecision,
  type ResponseHead,
  type ResponseVerdict,
  RETRY,
  Run,
} from '../../internal/exchange/index.ts';
import { Fields } from '../../internal/message/index.ts';
import { eventually } from '../testing/wait.ts';
import { PAIRINGS, PhaseHouse } from './house.ts';
import { FailingStage, GatheringStage, ShoutingStage, SlowStage } from './stages.ts';
import { type Answering, breakOff } from './upstream-server.ts';

const TIMES: readonly [when: string, form: (decision: () => ResponseDecision) => ResponseVerdict][] = [
  ['at once', (decision) => decision()],
  ['later', (decision) => new Run(5000, () => new Promise((resolve) => setTimeout(() => resolve(decision()), 5)))],
];

/** What upstreams answer with, and what is left of it behind a stage that shouts. */
const ANSWERS: readonly [name: string, answer: Answering, method: string, shouted: string | null][] = [
  [
    'a body of known length',
    (response) => response.writeHead(200, { 'content-length': '5' }).end('hello'),
    'GET',
    'HELLO!',
  ],
  [
    'a body of unknown length',
    (response) => {
      response.write('hel');
      response.end('lo');
    },
    'GET',
    'HELLO!',
  ],
  ['an empty body', (response) => response.writeHead(200, { 'content-length': '0' }).end(), 'GET', null],
  ['HEAD', (response) => response.writeHead(200, { 'content-length': '5' }).end(), 'HEAD', null],
  ['204', (response) => response.writeHead(204).end(), 'GET', null],
  ['304', (response) => response.writeHead(304, { etag: '"a"' }).end(), 'GET', null],
  [
    'an interim head before',
    (response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      setImmediate(() => response.end('hello'));
    },
    'GET',
    'HELLO!',
  ],
  [
    'trailers behind',
    (response) => {
      response.writeHead(200, { trailer: 'x-sum' });
      response.write('hello');
      response.addTrailers({ 'x-sum': '5' });
      response.end();
    },
    'GET',
    'HELLO!',
  ],
];

describe.each(PAIRINGS)('responses of $upstream to $client', (pairing) => {
  let house: PhaseHouse;
  beforeAll(async () => {
    house = await PhaseHouse.start(pairing);
  });
  afterEach(() => house.reset());
  afterAll(() => house.stop());

  describe.each(ANSWERS)('with %s', (name, answer, method, shouted) => {
    const wish = { method, fields: { te: 'trailers' } };

    it('go through a stage of onResponse', async () => {
      house.upstream.answer = answer;
      house.filter = { onResponse: (_exchange, head) => head.transformBody(() => new ShoutingStage()) };
      const plain = await (async () => {
        const { filter } = house;
        house.filter = {};
        const asked = await house.get('/a', wish);
        house.filter = filter;
        return asked;
      })();
      const asked = await house.get('/a', wish);
      expect(asked).toMatchObject({ status: plain.status, broken: false, body: shouted ?? '' });
      expect(asked.interim).toEqual(plain.interim);
      if (shouted !== null || method === 'HEAD') expect(asked.fields['content-length']).toBeUndefined();
      if (name === 'trailers behind') expect(asked.trailers).toMatchObject({ 'x-sum': '5' });
    });

    it.each(TIMES)('are looked at by onUpstreamResponse, decided %s', async (_when, form) => {
      house.upstream.answer = answer;
      house.filter = {
        onUpstreamResponse: (_exchange, head) =>
          form(() => {
            head.fields.set('X-Seen', String(head.status));
            return null;
          }),
      };
      const asked = await house.get('/a', wish);
      expect(asked).toMatchObject({ broken: false, body: shouted === null ? '' : 'hello' });
      expect(asked.fields['x-seen']).toBe(String(asked.status));
      if (name === 'trailers behind') expect(asked.trailers).toMatchObject({ 'x-sum': '5' });
    });
  });

  it('go through stages whole wherever they are cut', async () => {
    const text = 'hello world';
    house.filter = {
      onResponse: (_exchange, head) => {
        head.transformBody(() => new SlowStage());
        head.transformBody(() => new ShoutingStage());
      },
    };
    for (let cut = 1; cut < text.length; cut++) {
      house.upstream.answer = (response) => {
        response.write(text.slice(0, cut));
        setImmediate(() => response.end(text.slice(cut)));
      };
      expect(await house.get('/a')).toMatchObject({ status: 200, body: 'HELLO WORLD!', broken: false });
    }
  });

  it('go through a stage that keeps everything to the end', async () => {
    house.upstream.answer = (response) => {
      for (let i = 0; i < 50; i++) response.write('x'.repeat(1000));
      response.end();
    };
    house.filter = { onResponse: (_exchange, head) => head.transformBody(() => new GatheringStage()) };
    expect((await house.get('/a')).body).toBe('x'.repeat(50_000));
  });

  it('wait for a client that does not read, through a stage', async () => {
    const size = 30_000_000;
    const stages: SlowStage[] = [];
    house.upstream.answer = (response) =>
      void response.writeHead(200, { 'content-length': String(size) }).end(Buffer.alloc(size, 'x'));
    house.filter = {
      onResponse: (_exchange, head) =>
        head.addStage(() => {
          const stage = new SlowStage();
          stages.push(stage);
          return stage;
        }),
    };
    const asked = house.ask({ path: '/a' });
    asked.pause();
    await eventually('the head', () => asked.status > 0);
    asked.pause();
    // What the kernel, the windows and one read hold on the way, and no more.
    const read = asked.body.length;
    asked.resume();
    await asked.done();
    expect(read).toBeLessThan(size);
    expect(asked.body.length).toBe(size);
    expect(stages[0].most).toBeLessThan(2_000_000);
  });

  it('get another status, fields and a body of their own length', async () => {
    house.filter = {
      onResponse: (_exchange, head) => {
        head.setStatus(203);
        head.fields.set('X-By', 'filter');
      },
    };
    const asked = await house.get('/a');
    expect(asked).toMatchObject({ status: 203, body: 'hello', broken: false });
    expect(asked.fields['x-by']).toBe('filter');
  });

  it('lose their body with a status that has none', async () => {
    house.filter = { onResponse: (_exchange, head) => head.setStatus(204) };
    expect(await house.get('/a')).toMatchObject({ status: 204, body: '', broken: false });
  });

  it('of prox itself go through onResponse too', async () => {
    house.filter = { onResponse: (_exchange, head) => head.fields.set('X-Seen', String(head.status)) };
    expect((await house.get('/static')).fields['x-seen']).toBe('200');
    house.upstream.answer = (response) => breakOff(response);
    expect((await house.get('/a', { method: 'POST', body: ['x'] })).fields['x-seen']).toBe('502');
  });

  it.each(TIMES)('are replaced by another answer, decided %s', async (_when, form) => {
    house.upstream.answer = (response) => {
      response.write('a body that nobody wants');
      response.end();
    };
    house.filter = { onUpstreamResponse: () => form(() => new Answer(418, new Fields(), 'short and stout')) };
    expect(await house.get('/a')).toMatchObject({ status: 418, body: 'short and stout', broken: false });
  });

  it.each(TIMES)('are asked for again from another target, decided %s', async (_when, form) => {
    house.upstream.answer = (response) => response.writeHead(500).end('bad');
    house.second.answer = (response) => response.end('good');
    house.filter = { onUpstreamResponse: (_exchange, head) => form(() => (head.status === 500 ? RETRY : null)) };
    for (let i = 0; i < 4; i++) expect(await house.get('/balanced/a')).toMatchObject({ status: 200, body: 'good' });
    expect(house.upstream.seen.length).toBeGreaterThan(0);
  });

  it.each(TIMES)('go on when no other target is left, decided %s', async (_when, form) => {
    house.upstream.answer = (response) => response.writeHead(500).end('bad');
    house.second.answer = (response) => response.writeHead(500).end('bad');
    house.filter = { onUpstreamResponse: () => form(() => RETRY) };
    expect(await house.get('/balanced/a')).toMatchObject({ status: 500, body: 'bad', broken: false });
    expect(house.upstream.seen.length + house.second.seen.length).toBe(2);
  });

  it('to a POST are not asked for again', async () => {
    house.upstream.answer = (response) => response.writeHead(500).end('bad');
    house.filter = { onUpstreamResponse: () => RETRY };
    expect(await house.get('/a', { method: 'POST', body: ['x'] })).toMatchObject({ status: 500, body: 'bad' });
    expect(house.upstream.seen).toHaveLength(1);
  });

  it('are given up when the client leaves while a filter looks at them', async () => {
    const signals: AbortSignal[] = [];
    const ends: number[] = [];
    house.upstream.answer = (response) => void response.write('hel');
    house.filter = {
      onUpstreamResponse: () =>
        new Run(10_000, (signal) => {
          signals.push(signal);
          return new Promise(() => {});
        }),
      onEnd: (_exchange, { status }) => void ends.push(status),
    };
    const asked = house.ask({ path: '/a' });
    const signal = await eventually('the run', () => signals[0]);
    asked.abort();
    await eventually('the abort', () => signal.aborted);
    const seen = await house.upstream.request();
    await eventually('the end of the upstream request', () => seen.aborted);
    expect(ends).toEqual([499]);
  });

  it('that an upstream breaks off while a filter looks at them are not taken for whole ones', async () => {
    house.upstream.answer = (response) => {
      response.write('hel');
      setTimeout(() => breakOff(response), 20);
    };
    house.filter = {
      onUpstreamResponse: () => new Run(5000, () => new Promise((resolve) => setTimeout(resolve, 60, null))),
    };
    // What prox has not read yet tells of the break only when the wait is over.
    const asked = await house.get('/a', { method: 'POST', body: ['x'] });
    expect(asked.broken || asked.status === 502).toBe(true);
  });

  it('close their stages once, however they end', async () => {
    const stages: ShoutingStage[] = [];
    const ends: (string | null)[] = [];
    house.filter = {
      onResponse: (_exchange, head) =>
        head.transformBody(() => {
          const stage = new ShoutingStage();
          stages.push(stage);
          return stage;
        }),
      onEnd: (_exchange, { error }) => void ends.push(error?.code ?? null),
    };
    await house.get('/a');
    house.upstream.answer = (response) => {
      response.write('hel');
      setTimeout(() => breakOff(response), 20);
    };
    expect(await house.get('/a')).toMatchObject({ status: 200, broken: true });
    house.upstream.answer = (response) => void response.write('hel');
    const asked = house.ask({ path: '/a' });
    await eventually('some of the body', () => asked.body.length > 0);
    asked.abort();
    await eventually('the end', () => ends.length === 3);
    expect(ends[0]).toBeNull();
    expect(ends[2]).toBe('client_closed');
    expect(stages.map(({ closings }) => closings)).toEqual([1, 1, 1]);
  });

  it.each<[string, number, (head: ResponseHead) => ResponseVerdict, ((head: ResponseHead) => void)?]>([
    ['an action answers instead', 403, () => new Answer(403, new Fields())],
    ['a later one fails', 500, () => new Run(5000, () => Promise.reject(new Error('a fault')))],
    ['another attempt is made', 200, (head) => (head.fields.has('x-first') ? RETRY : null)],
    ['a later one takes the body away', 204, (head) => (head.setStatus(204), null)],
    ['onResponse takes the body away', 204, () => null, (head) => head.setStatus(204)],
    ['onResponse throws', 500, () => null, () => void expect.fail('a fault')],
  ])('close a stage of onUpstreamResponse that no body goes through, as %s', async (_, status, decide, onResponse) => {
    const stages: ShoutingStage[] = [];
    house.upstream.answer = (response) => response.writeHead(200, { 'x-first': '1' }).end('hello');
    house.filter = {
      onUpstreamResponse: (_exchange, head) => {
        head.transformBody(() => (stages[stages.length] = new ShoutingStage()));
        return decide(head);
      },
      ...(onResponse === undefined ? {} : { onResponse: (_exchange, head) => onResponse(head) }),
    };
    expect(await house.get('/balanced/a')).toMatchObject({ status });
    await eventually('the end of every stage', () => stages.every(({ closings }) => closings > 0));
    expect(stages.map(({ closings }) => closings)).toEqual(stages.map(() => 1));
  });

  it('are cut off when a stage fails', async () => {
    const failing: FailingStage[] = [];
    house.filter = {
      onResponse: (_exchange, head) =>
        head.transformBody(() => {
          const stage = new FailingStage();
          failing.push(stage);
          return stage;
        }),
    };
    house.upstream.answer = (response) => void response.write('hel');
    const asked = house.ask({ path: '/a' });
    await eventually('some of the body', () => asked.body.length > 0);
    failing[0].breakDown();
    expect(await asked.done()).toMatchObject({ status: 200, broken: true });
    const seen = await house.upstream.request();
    await eventually('the end of the upstream request', () => seen.aborted);
  });

  it.each(['onUpstreamResponse', 'onResponse'] as const)(
    'are 500 when a filter throws in %s, which serves on',
    async (phase) => {
      house.filter = {
        [phase]: () => {
          throw new Error('a fault');
        },
      };
      expect(await house.get('/a')).toMatchObject({ status: 500, broken: false });
      house.filter = {};
      expect(await house.get('/a')).toMatchObject({ status: 200 });
    },
  );

  it('do not suffer from a filter that throws in onEnd', async () => {
    house.filter = {
      onEnd: () => {
        throw new Error('a fault');
      },
    };
    expect(await house.get('/a')).toMatchObject({ status: 200, body: 'hello', broken: false });
    expect(await house.get('/a')).toMatchObject({ status: 200, body: 'hello', broken: false });
  });
});
