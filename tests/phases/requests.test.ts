import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ProxyError } from '../../internal/base/index.ts';
import { Answer, type Decision, DROP, FALLBACK, Run, type Verdict } from '../../internal/exchange/index.ts';
import { Fields } from '../../internal/message/index.ts';
import { eventually } from '../testing/wait.ts';
import { PAIRINGS, PhaseHouse } from './house.ts';

const teapot = (): Answer => new Answer(418, Fields.of([['X-By', 'filter']]), 'short and stout');

/** The same verdict at once, and after a while. */
const TIMES: readonly [when: string, form: (verdict: () => Decision) => Verdict][] = [
  ['at once', (verdict) => verdict()],
  [
    'later',
    (verdict) =>
      new Run(5000, async () => {
        await setImmediate();
        return verdict();
      }),
  ],
];

describe.each(PAIRINGS)('requests of $client to $upstream', (pairing) => {
  let house: PhaseHouse;
  beforeAll(async () => {
    house = await PhaseHouse.start(pairing);
  });
  afterEach(() => house.reset());
  afterAll(() => house.stop());

  describe.each(TIMES)('onRequest, decided %s', (_when, form) => {
    it('goes on to the action', async () => {
      house.filter = { onRequest: () => form(() => null) };
      expect(await house.get('/a')).toMatchObject({ status: 200, body: 'hello', broken: false });
      expect(await house.get('/static')).toMatchObject({ status: 200, body: 'static' });
    });

    it('answers instead of the action', async () => {
      house.filter = { onRequest: () => form(teapot) };
      const answer = await house.get('/a');
      expect(answer).toMatchObject({ status: 418, body: 'short and stout', broken: false });
      expect(answer.fields['x-by']).toBe('filter');
      expect(house.upstream.seen).toEqual([]);
    });

    it('answers a HEAD with the fields alone', async () => {
      house.filter = { onRequest: () => form(teapot) };
      const answer = await house.get('/a', { method: 'HEAD' });
      expect(answer).toMatchObject({ status: 418, body: '', broken: false });
      expect(answer.fields['content-length']).toBe('15');
    });

    it('answers before the body of the request is read', async () => {
      house.filter = { onRequest: () => form(teapot) };
      expect(await house.get('/a', { method: 'POST', body: ['x'.repeat(1000)] })).toMatchObject({ status: 418 });
    });

    it('drops the connection', async () => {
      house.filter = { onRequest: () => form(() => DROP) };
      expect(await house.get('/a')).toMatchObject({ status: 0, broken: true });
    });

    it('asks for the fallback', async () => {
      house.filter = { onRequest: () => form(() => FALLBACK) };
      house.second.answer = (response) => response.end('second');
      expect(await house.get('/fallback/a')).toMatchObject({ status: 200, body: 'second' });
      expect(house.upstream.seen).toEqual([]);
      expect(await house.get('/a')).toMatchObject({ status: 503 });
    });

    it('passes the whole body of an upload on', async () => {
      house.filter = { onRequest: () => form(() => null) };
      house.upstream.answer = (response, request) => request.on('end', () => response.end('got it'));
      const body = ['x'.repeat(300_000), 'y'.repeat(300_000), 'z'];
      expect(await house.get('/a', { method: 'POST', body })).toMatchObject({ status: 200, body: 'got it' });
      expect(house.upstream.seen[0].body).toBe(body.join(''));
    });

    it('changes what the upstream gets, and not what was received', async () => {
      const received: string[] = [];
      house.filter = {
        onRequest: (exchange) =>
          form(() => {
            const request = exchange.editRequest();
            request.method = 'PUT';
            request.forwardPath = '/other';
            request.query = '?c=d';
            request.authority = 'inside.test';
            request.requestFields.set('X-A', 'changed');
            request.requestFields.remove('X-B');
            return null;
          }),
        onEnd: ({ method, path, query, requestFields }) =>
          void received.push(method, path, query, String(requestFields.get('x-a'))),
      };
      await house.get('/a?b', { fields: { 'x-a': '1', 'x-b': '2', 'x-c': '3' } });
      expect(house.upstream.seen[0]).toMatchObject({
        method: 'PUT',
        url: '/other?c=d',
        authority: 'inside.test',
        fields: { 'x-a': 'changed', 'x-c': '3' },
      });
      expect(house.upstream.seen[0].fields['x-b']).toBeUndefined();
      expect(received).toEqual(['GET', '/a', '?b', '1']);
    });

    it('fails with the status of the error', async () => {
      house.filter = {
        onRequest: () =>
          form(() => {
            throw new ProxyError('dial_failed', 'refused');
          }),
      };
      expect(await house.get('/a')).toMatchObject({ status: 502, broken: false });
    });
  });

  it('answers 503 when a filter of onRequest waits too long, and serves on', async () => {
    const signals: AbortSignal[] = [];
    house.filter = {
      onRequest: () =>
        new Run(50, (signal) => {
          signals.push(signal);
          return new Promise(() => {});
        }),
    };
    expect(await house.get('/a')).toMatchObject({ status: 503, broken: false });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    house.filter = {};
    expect(await house.get('/a')).toMatchObject({ status: 200 });
  });

  it.each(['onRequest', 'onUpstreamRequest'] as const)(
    'aborts what %s waits for when the client leaves, and ends once',
    async (phase) => {
      const signals: AbortSignal[] = [];
      const ends: number[] = [];
      house.filter = {
        [phase]: () =>
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
      await eventually('the end', () => ends.length > 0);
      expect([ends, house.upstream.seen]).toEqual([[499], []]);
    },
  );

  describe.each(TIMES)('onUpstreamRequest, decided %s', (_when, form) => {
    it('changes this attempt alone', async () => {
      let attempts = 0;
      house.filter = {
        onRequest: (exchange) => {
          exchange.editRequest().requestFields.set('X-All', 'yes');
          return null;
        },
        onUpstreamRequest: (_exchange, attempt) =>
          form(() => {
            attempts++;
            attempt.requestFields.append(`X-Attempt-${attempts}`, 'yes');
            attempt.forwardPath += `/${attempts}`;
            return null;
          }),
      };
      // One of two targets does not listen: half of the requests need two attempts.
      while (attempts < 2) {
        attempts = 0;
        house.upstream.seen.length = 0;
        expect(await house.get('/dead/a')).toMatchObject({ status: 200 });
      }
      const [{ url, fields }] = house.upstream.seen;
      expect(url).toBe('/dead/a/2');
      expect([fields['x-all'], fields['x-attempt-1'], fields['x-attempt-2']]).toEqual(['yes', undefined, 'yes']);
    });

    it('leaves nothing to a fallback', async () => {
      let attempts = 0;
      house.filter = {
        onUpstreamRequest: (_exchange, attempt) =>
          form(() => {
            if (attempts++ > 0) return null;
            attempt.requestFields.set('X-First', 'yes');
            return FALLBACK;
          }),
      };
      house.second.answer = (response) => response.end('second');
      expect(await house.get('/fallback/a')).toMatchObject({ status: 200, body: 'second' });
      expect(house.second.seen[0].fields['x-first']).toBeUndefined();
    });

    it('answers instead of the upstream', async () => {
      house.filter = { onUpstreamRequest: () => form(teapot) };
      expect(await house.get('/a', { method: 'POST', body: ['x'] })).toMatchObject({ status: 418, broken: false });
      expect(house.upstream.seen).toEqual([]);
    });
  });

  it('chooses no target that onSelectTarget excludes', async () => {
    house.filter = {
      onSelectTarget: (_exchange, search) => {
        search.exclude(search.targets.find(({ address }) => address.endsWith(`:${house.upstream.port}`)) as never);
      },
    };
    house.second.answer = (response) => response.end('second');
    for (let i = 0; i < 4; i++) expect(await house.get('/balanced/a')).toMatchObject({ body: 'second' });
  });

  it.each(['onRequest', 'onSelectTarget', 'onUpstreamRequest'] as const)(
    'answers 500 when a filter throws in %s, and serves on',
    async (phase) => {
      house.filter = {
        [phase]: () => {
          throw new Error('a fault');
        },
      };
      expect(await house.get('/balanced/a')).toMatchObject({ status: 500, broken: false });
      house.filter = {};
      expect(await house.get('/a')).toMatchObject({ status: 200 });
    },
  );
});
