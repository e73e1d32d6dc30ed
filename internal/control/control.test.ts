import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ControlError } from './control-error.ts';
import { MAX_PENDING_ASKS, MAX_PENDING_QUERIES, MAX_WAITING_EVENTS } from './frames.ts';
import { connectLocally } from './local-line.ts';
import { SupervisorHub } from './supervisor-hub.ts';
import { MemoryWorker } from './testing/wire.ts';

let reports: string[];
let hub: SupervisorHub;

beforeEach(() => {
  reports = [];
  hub = new SupervisorHub((message) => void reports.push(message));
});

const worker = (number = 1): MemoryWorker => new MemoryWorker(hub, number, (message) => void reports.push(message));

/** The code of the ControlError that a promise is rejected with, or what it resolved to. */
function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error instanceof ControlError ? error.code : error));
}

describe('updates', () => {
  it('come to all workers, with versions that count up', async () => {
    const workers = [worker(1), worker(2)];
    const seen = workers.map(({ line }) => {
      const states: unknown[] = [];
      line.follow('targets', (state, version) => states.push([state, version]));
      return states;
    });
    hub.publish('targets', ['a']);
    for (const each of workers) await each.settle();
    hub.publish('targets', ['a', 'b']);
    hub.publish('other', 1);
    for (const each of workers) await each.settle();
    for (const states of seen) {
      expect(states).toEqual([
        [['a'], 1],
        [['a', 'b'], 2],
      ]);
    }
  });

  it('are there for a worker that starts late, before anything else', () => {
    hub.publish('a', 1);
    hub.publish('a', 2);
    hub.publish('b', 'x');
    const late = worker();
    // One message, sent while it is connected: whatever the supervisor says next comes behind it.
    expect(late.down.messages).toBe(1);
    late.deliver();
    const seen: unknown[] = [];
    late.line.follow('a', (state, version) => seen.push([state, version]));
    late.line.follow('b', (state, version) => seen.push([state, version]));
    expect(seen).toEqual([
      [2, 2],
      ['x', 1],
    ]);
  });

  it('are sent by a flush ahead of what follows', () => {
    const one = worker();
    hub.publish('a', 1);
    expect(one.down.empty).toBe(true);
    hub.flush();
    expect(one.down.empty).toBe(false);
  });

  it('wait for a worker that does not read, only the last one of each topic', async () => {
    const slow = worker();
    slow.down.stuck = true;
    const seen: unknown[] = [];
    slow.line.follow('a', (state) => seen.push(state));
    hub.publish('a', 0);
    await slow.settle();
    for (let i = 1; i <= 10_000; i++) hub.publish('a', i);
    await slow.settle();
    expect(slow.down.messages).toBe(1);
    slow.down.stuck = false;
    await slow.settle();
    expect(seen).toEqual([0, 10_000]);
  });

  it('go on for other followers when one throws, and end when a follower ends', async () => {
    const one = worker();
    const seen: unknown[] = [];
    one.line.follow('a', () => {
      throw new Error('broken');
    });
    const end = one.line.follow('a', (state) => seen.push(state));
    hub.publish('a', 1);
    await one.settle();
    end();
    hub.publish('a', 2);
    await one.settle();
    expect(seen).toEqual([1]);
    expect(reports).toEqual(Array(2).fill('an update from the supervisor could not be applied'));
  });

  it('that cannot be cloned are reported, and spoil no others', async () => {
    const one = worker();
    const seen: unknown[] = [];
    one.line.follow('good', (state) => seen.push(state));
    hub.publish('bad', () => {});
    hub.publish('good', 1);
    await one.settle();
    expect(seen).toEqual([1]);
    expect(reports).toEqual(['an update could not be sent to a worker']);
  });
});

describe('events', () => {
  it('arrive in order, many in one message', async () => {
    const seen: unknown[] = [];
    hub.onEvent('count', (number, payload) => seen.push([number, payload]));
    const two = worker(2);
    for (let i = 0; i < 100; i++) two.line.tell('count', i);
    await two.settle();
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => [2, i]));
    expect(two.up.messages).toBe(1);
  });

  it('are refused when the supervisor does not keep up', async () => {
    const seen: unknown[] = [];
    hub.onEvent('count', (_, payload) => seen.push(payload));
    const one = worker();
    one.up.stuck = true;
    one.line.tell('count', 0);
    await one.settle();
    const taken = Array.from({ length: MAX_WAITING_EVENTS + 10 }, (_, i) => one.line.tell('count', i + 1));
    expect(taken.filter(Boolean)).toHaveLength(MAX_WAITING_EVENTS);
    expect(taken.lastIndexOf(true)).toBe(MAX_WAITING_EVENTS - 1);
    one.up.stuck = false;
    await one.settle();
    expect(seen).toEqual(Array.from({ length: MAX_WAITING_EVENTS + 1 }, (_, i) => i));
    expect(one.line.tell('count', 'again')).toBe(true);
  });

  it('of unknown topics are reported once, and listeners that throw spoil no others', async () => {
    const one = worker();
    hub.onEvent('throws', () => {
      throw new Error('broken');
    });
    for (let i = 0; i < 1000; i++) one.line.tell(`unknown ${i % 2}`, i);
    for (let i = 0; i < 1000; i++) one.line.tell(`many ${i}`, i);
    one.line.tell('throws', 1);
    await one.settle();
    expect(reports.at(-1)).toBe('an event of a worker could not be taken');
    expect(reports.length).toBe(17);
  });

  it('of a worker that has ended are ignored, as its successor has its number', async () => {
    const seen: unknown[] = [];
    hub.onEvent('count', (_, payload) => seen.push(payload));
    const old = worker();
    old.line.tell('count', 'old');
    await new Promise((resolve) => setImmediate(resolve));
    old.port.disconnect();
    const successor = worker();
    while (old.deliver());
    successor.line.tell('count', 'new');
    await successor.settle();
    expect(seen).toEqual(['new']);
  });
});

describe('asks', () => {
  it('are answered, at once or later', async () => {
    hub.onAsk('double', (number, payload) => [number, (payload as number) * 2]);
    hub.onAsk('later', async (_, payload) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return payload;
    });
    const line = connectLocally(hub);
    expect(await line.ask('double', 21, 1000)).toEqual([0, 42]);
    expect(await line.ask('later', 'x', 1000)).toBe('x');
  });

  it('fail with the error of the responder, for unknown topics, and with what cannot be cloned', async () => {
    hub.onAsk('fails', () => {
      throw new Error('no such thing');
    });
    hub.onAsk('odd', () => () => {});
    const line = connectLocally(hub);
    await expect(line.ask('fails', 1, 1000)).rejects.toThrow('no such thing');
    expect(await codeOf(line.ask('what', 1, 1000))).toBe('unknown_topic');
    expect(await codeOf(line.ask('odd', 1, 1000))).toBe('failed');
    expect(await codeOf(line.ask('fails', () => {}, 1000))).toBe('failed');
  });

  it('fail in time when no answer comes, and a late one is ignored', async () => {
    let answer: (value: unknown) => void = () => {};
    hub.onAsk('slow', () => new Promise((resolve) => (answer = resolve)));
    const line = connectLocally(hub);
    const asked = performance.now();
    expect(await codeOf(line.ask('slow', 1, 30))).toBe('timeout');
    expect(performance.now() - asked).toBeGreaterThanOrEqual(29);
    answer('late');
    expect(await codeOf(line.ask('slow', 2, 10))).toBe('timeout');
  });

  it('fail when the supervisor is gone or stops', async () => {
    hub.onAsk('never', () => new Promise(() => {}));
    const one = worker();
    const two = worker(2);
    const pending = [codeOf(one.line.ask('never', 1, 60_000)), codeOf(two.line.ask('never', 1, 60_000))];
    await one.settle();
    await two.settle();
    one.line.disconnect();
    hub.stop();
    await two.settle();
    expect(await Promise.all(pending)).toEqual(['gone', 'gone']);
    expect(await codeOf(one.line.ask('never', 1, 60_000))).toBe('gone');
    expect(one.line.tell('x', 1)).toBe(false);
    const late = codeOf(two.line.ask('never', 1, 60_000));
    await two.settle();
    expect(await late).toBe('gone');
  });

  it('are bounded when none is answered', async () => {
    hub.onAsk('never', () => new Promise(() => {}));
    const one = worker();
    const pending = Array.from({ length: MAX_PENDING_ASKS }, () => codeOf(one.line.ask('never', 1, 60_000)));
    await one.settle();
    expect(await codeOf(one.line.ask('never', 1, 60_000))).toBe('busy');
    // Another worker is not kept waiting by that.
    hub.onAsk('quick', () => 'yes');
    const two = worker(2);
    const quick = two.line.ask('quick', 1, 60_000);
    await two.settle();
    expect(await quick).toBe('yes');
    one.line.disconnect();
    expect(new Set(await Promise.all(pending))).toEqual(new Set(['gone']));
  });
});

describe('queries', () => {
  it('get an answer from each worker, or why there is none', async () => {
    const workers = [worker(3), worker(1), worker(2)];
    workers[0].line.answer('who', (payload) => [payload, 'three']);
    workers[1].line.answer('who', () => Promise.resolve('one'));
    const result = hub.query('who', 'q', 1000);
    for (const each of workers) await each.settle();
    expect(await result).toEqual([
      { worker: 1, answer: 'one', error: null },
      { worker: 2, answer: undefined, error: "the worker does not answer 'who'" },
      { worker: 3, answer: ['q', 'three'], error: null },
    ]);
  });

  it('do not wait for a worker that has ended, that hangs, or once the supervisor stops', async () => {
    const [dead, hanging, fine] = [worker(1), worker(2), worker(3)];
    fine.line.answer('who', () => 'fine');
    const result = hub.query('who', null, 40);
    await fine.settle();
    dead.kill();
    hanging.down.stuck = true;
    expect(await result).toEqual([
      { worker: 1, answer: undefined, error: 'the worker has ended' },
      { worker: 2, answer: undefined, error: 'no answer within 40 ms' },
      { worker: 3, answer: 'fine', error: null },
    ]);
    const stopped = hub.query('who', null, 60_000);
    hub.stop();
    expect((await stopped).map(({ error }) => error)).toEqual(Array(2).fill('the supervisor is stopping'));
    expect((await hub.query('who', null, 60_000)).map(({ error }) => error)).toEqual(
      Array(2).fill('the supervisor is stopping'),
    );
  });

  it('are bounded', async () => {
    const one = worker();
    const pending = Array.from({ length: MAX_PENDING_QUERIES }, () => hub.query('who', null, 60_000));
    expect((await hub.query('who', null, 60_000))[0].error).toMatch(/queries are under way already/);
    one.kill();
    await Promise.all(pending);
    expect(await hub.query('who', null, 60_000)).toEqual([]);
  });

  it('go to the last responder, until that ends', async () => {
    const one = worker();
    const endFirst = one.line.answer('who', () => 'first');
    const endSecond = one.line.answer('who', () => 'second');
    endFirst();
    const second = hub.query('who', null, 1000);
    await one.settle();
    expect((await second)[0].answer).toBe('second');
    endSecond();
    const none = hub.query('who', null, 1000);
    await one.settle();
    expect((await none)[0].error).not.toBeNull();
  });
});

it('tells who is gone, once, even when a listener throws', () => {
  const gone: number[] = [];
  hub.onGone(() => {
    throw new Error('broken');
  });
  hub.onGone((number) => gone.push(number));
  const one = worker(7);
  one.kill();
  one.kill();
  expect(gone).toEqual([7]);
  expect(reports).toHaveLength(1);
});

/** What a test does to a hub with two places for workers. */
type Step = 'publish' | 'tell' | 'deliver' | 'turn' | 'kill' | 'stick' | 'free';

it('keeps order and loses nothing but with a worker, whatever happens when', async () => {
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom<Step[]>(
        'publish',
        'publish',
        'tell',
        'tell',
        'deliver',
        'deliver',
        'turn',
        'kill',
        'stick',
        'free',
      ),
      fc.nat(1),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const checked = new SupervisorHub(() => {});
      const heard: number[][] = [[], []];
      checked.onEvent('n', (number, payload) => heard[number - 1].push(payload as number));
      let published = 0;
      const told = [0, 0];
      const start = (place: number): { worker: MemoryWorker; seen: [number, number][] } => {
        const seen: [number, number][] = [];
        const each = new MemoryWorker(checked, place + 1);
        each.line.follow('s', (state, version) => seen.push([state as number, version]));
        return { worker: each, seen };
      };
      const places = [start(0), start(1)];
      for (const [step, place] of plan) {
        const { worker: each } = places[place];
        if (step === 'publish') checked.publish('s', ++published);
        else if (step === 'tell') each.line.tell('n', ++told[place]);
        else if (step === 'deliver') each.deliver();
        else if (step === 'turn') await new Promise((resolve) => setImmediate(resolve));
        else if (step === 'kill') {
          each.kill();
          // Numbers go on with the successor: what the dead one had not brought over is a gap, never a disorder.
          places[place] = start(place);
        } else each.up.stuck = each.down.stuck = step === 'stick';
      }
      for (const { worker: each } of places) {
        each.up.stuck = each.down.stuck = false;
        await each.settle();
      }
      for (const [place, { seen }] of places.entries()) {
        const versions = seen.map(([, version]) => version);
        expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
        for (const [state, version] of seen) expect(state).toBe(version);
        if (published > 0) expect(versions.at(-1)).toBe(published);
        expect(heard[place]).toEqual([...new Set(heard[place])].toSorted((a, b) => a - b));
        const killed = plan.some(([step, at]) => step === 'kill' && at === place);
        if (!killed) expect(heard[place]).toHaveLength(told[place]);
      }
    }),
    { numRuns: 300 },
  );
});
