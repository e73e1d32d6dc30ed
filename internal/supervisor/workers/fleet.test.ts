import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../config/index.ts';
import { SupervisorHub } from '../../control/index.ts';
import { type Change, StartError } from '../../dataplane/index.ts';
import { LogFiles, type LogFields, type Logger } from '../../logger/index.ts';
import { AddressTable } from '../address-table.ts';
import { Fleet } from './fleet.ts';
import { refusalOf } from './messages.ts';
import { FakeMember } from '../testing/fake-member.ts';

let members: FakeMember[];
let lines: { level: string; message: string; fields: LogFields }[];
let fleet: Fleet;
let hub: SupervisorHub;
/** Starts that fail from now on, as the system makes no process. */
let refusals = 0;

const change = (name: string): Change => ({
  config: { services: [], logging: { errorLog: null, rotate: null }, name } as unknown as Config,
  level: 'info',
  generation: 1,
});

function loggerInto(): Logger {
  const take =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields });
  return {
    ...({} as Logger),
    info: take('info'),
    warn: take('warn'),
    error: take('error'),
    setLevel: () => {},
    setErrorLog: () => {},
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  members = [];
  hub = new SupervisorHub((message) => void lines.push({ level: 'error', message, fields: {} }));
  lines = [];
  refusals = 0;
  fleet = new Fleet({
    logger: loggerInto(),
    files: new LogFiles(() => {}),
    ticketKeys: Buffer.alloc(48),
    hub,
    addresses: new AddressTable(),
    workers: 2,
    startMember: ({ worker }) => {
      if (refusals-- > 0) throw new Error('spawn ENOMEM');
      const member = new FakeMember(worker, 100 + members.length);
      members.push(member);
      return member;
    },
  });
});
afterEach(() => {
  fleet.kill();
  vi.useRealTimers();
});

/** Takes a change through its steps, as the daemon does. */
function apply(next: Change): Promise<void> {
  return fleet.exclusively(async () => {
    try {
      await fleet.prepare(next);
      await fleet.attach(new Map());
      await fleet.commit();
    } catch (error) {
      await fleet.rollback();
      throw error;
    }
  });
}

/** The message of what a promise is rejected with; the rejection is handled at once, because no later code may do so. */
function failureOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error as Error).message,
  );
}

async function started(): Promise<[FakeMember, FakeMember]> {
  for (const member of members) member.load(true);
  await apply(change('first'));
  for (const member of members) member.commands.length = 0;
  return [members[0], members[1]];
}

describe('a change', () => {
  it('waits for workers to be loaded, and goes step by step through all', async () => {
    const applied = apply(change('first'));
    await vi.advanceTimersByTimeAsync(100);
    expect(members.map(({ commands }) => commands)).toEqual([[], []]);
    for (const member of members) member.load(true);
    await applied;
    for (const { commands } of members) expect(commands).toEqual(['prepare', 'attach', 'commit']);
  });

  it('is rolled back in all when one refuses, with the error of that one', async () => {
    const [one, two] = await started();
    const problem = { position: { file: 'a.json5', line: 1, column: 2 }, path: 'services.web', message: 'no' };
    two.answers.set('prepare', { kind: 'refused', refusal: refusalOf(new StartError([problem])) });
    await expect(apply(change('second'))).rejects.toEqual(new StartError([problem]));
    for (const { commands } of [one, two]) expect(commands).toEqual(['prepare', 'rollback']);
    expect([one.killed, two.killed]).toEqual([false, false]);
  });

  it('comes in force in the others when one does not answer in time; that one is replaced', async () => {
    const [one, two] = await started();
    two.answers.set('attach', null);
    const applied = apply(change('second'));
    await vi.advanceTimersByTimeAsync(30_000);
    await applied;
    expect(one.commands).toEqual(['prepare', 'attach', 'commit']);
    expect([one.killed, two.killed]).toEqual([false, true]);
    members[2]?.load(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(members[2]?.commands).toEqual(['prepare', 'attach', 'commit']);
  });

  it('does not wait for long for a worker that hung already', async () => {
    const [, two] = await started();
    two.answers.set('ping', null);
    two.answers.set('prepare', null);
    const applied = apply(change('second'));
    await vi.advanceTimersByTimeAsync(7500);
    await applied;
    expect(two.killed).toBe(true);
  });

  it('may take a worker long to prepare', async () => {
    const [one, two] = await started();
    for (const member of [one, two]) member.answers.set('prepare', null);
    void failureOf(apply(change('second')));
    await vi.advanceTimersByTimeAsync(100);
    // Compiling, it does not answer anything for a while.
    for (const member of [one, two]) member.answers.set('ping', null);
    await vi.advanceTimersByTimeAsync(25_000);
    expect([one.killed, two.killed]).toEqual([false, false]);
  });

  it('is not spoilt by a worker that ends meanwhile; the next one begins with it, and not before', async () => {
    const [one, two] = await started();
    two.answers.set('attach', null);
    const applied = apply(change('second'));
    await vi.advanceTimersByTimeAsync(0);
    two.die(5000);
    await applied;
    expect(one.commands).toEqual(['prepare', 'attach', 'commit']);
    const next = members[2];
    expect(next.commands).toEqual([]);
    next.load(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(next.commands).toEqual(['prepare', 'attach', 'commit']);
    expect(lines.at(-1)).toMatchObject({ message: 'worker ready', fields: { worker: 2, pid: next.pid } });
  });

  it('fails when no worker lives through it', async () => {
    const pair = await started();
    for (const member of pair) member.answers.set('prepare', null);
    const applied = failureOf(apply(change('second')));
    await vi.advanceTimersByTimeAsync(0);
    for (const member of pair) member.die(5000);
    expect(await applied).toBe('all workers ended before they could prepare');
    let revived: boolean | null = null;
    void fleet.revived().then((result) => (revived = result));
    await vi.advanceTimersByTimeAsync(1000);
    expect(revived).toBe(null);
    members[2]?.load(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(revived).toBe(true);
    await apply(change('second'));
    expect(members[2]?.commands).toEqual(['prepare', 'attach', 'commit', 'prepare', 'attach', 'commit']);
  });

  it('gives up when no worker comes to serve', async () => {
    const pair = await started();
    for (const member of pair) member.die(5000);
    await vi.advanceTimersByTimeAsync(0);
    const revived = fleet.revived();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await revived).toBe(false);
  });

  it('ends a worker that cannot put it in force, as all others have', async () => {
    const [one, two] = await started();
    two.answers.set('commit', { kind: 'refused', refusal: refusalOf(new Error('odd')) });
    await apply(change('second'));
    expect([one.killed, two.killed]).toEqual([false, true]);
  });

  it('waits while a worker begins to serve', async () => {
    const [, two] = await started();
    two.die(5000);
    await vi.advanceTimersByTimeAsync(0);
    const next = members[2];
    next.answers.set('prepare', null);
    next.load(true);
    await vi.advanceTimersByTimeAsync(0);
    const applied = apply(change('second'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(members[0].commands).toEqual([]);
    next.die(5000);
    await applied;
    expect(members[0].commands).toEqual(['prepare', 'attach', 'commit']);
  });
});

describe('the control line', () => {
  it('brings a worker the state before it serves, and what is published before a command ahead of it', async () => {
    hub.publish('limits', 'a');
    const [one] = await started();
    hub.publish('limits', 'b');
    await apply(change('second'));
    expect(one.order).toEqual(['update a', 'prepare', 'attach', 'commit', 'update b', 'prepare', 'attach', 'commit']);
  });

  it('brings the state to a worker that takes the place of another, and tells who is gone before', async () => {
    const [, two] = await started();
    const heard: string[] = [];
    hub.onEvent('n', (worker, payload) => heard.push(`${worker} tells ${String(payload)}`));
    hub.onGone((worker) => heard.push(`${worker} is gone`));
    hub.publish('limits', 'a');
    two.onControl([{ kind: 'tell', topic: 'n', payload: 1 }]);
    two.die(5000);
    await vi.advanceTimersByTimeAsync(0);
    // Read after the exit was seen: its successor has the number by now.
    two.onControl([{ kind: 'tell', topic: 'n', payload: 2 }]);
    const next = members[2];
    next.load(true);
    await vi.advanceTimersByTimeAsync(0);
    next.onControl([{ kind: 'tell', topic: 'n', payload: 3 }]);
    expect(heard).toEqual(['2 tells 1', '2 is gone', '2 tells 3']);
    expect(next.order).toEqual(['update a', 'prepare', 'attach', 'commit']);
  });
});

describe('a worker', () => {
  it('that does not begin in time is replaced, and the others serve', async () => {
    members[0].load(true);
    const applied = apply(change('first'));
    await vi.advanceTimersByTimeAsync(30_000);
    await applied;
    expect(members[1].killed).toBe(true);
    expect(members).toHaveLength(3);
    expect(lines.map(({ message }) => message)).toContain('a worker did not start in time; it is ended and replaced');
  });

  it('that cannot serve what is in force is replaced by another', async () => {
    const [, two] = await started();
    two.die(5000);
    await vi.advanceTimersByTimeAsync(0);
    const next = members[2];
    next.answers.set('prepare', { kind: 'refused', refusal: refusalOf(new Error('no descriptor is left')) });
    next.load(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(next.killed).toBe(true);
    expect(members).toHaveLength(4);
  });

  it('whose event loop stands still is found, ended and replaced', async () => {
    const [one, two] = await started();
    two.answers.set('ping', null);
    await vi.advanceTimersByTimeAsync(9000);
    expect(two.killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect([one.killed, two.killed]).toEqual([false, true]);
    expect(lines.map(({ message }) => message)).toContain('a worker does not answer; it is ended and replaced');
    expect(members).toHaveLength(3);
  });

  it('that ends early again and again is replaced ever later', async () => {
    await started();
    const starts: number[] = [];
    for (let nth = 0; nth < 5; nth++) {
      members.at(-1)?.die(10);
      const before = members.length;
      const from = Date.now();
      while (members.length === before) await vi.advanceTimersByTimeAsync(100);
      starts.push(Date.now() - from);
    }
    expect(starts.map((ms) => Math.round(ms / 1000))).toEqual([0, 0, 1, 2, 4]);
  });

  it('that never comes to serve counts as one that ended early, however long it took', async () => {
    await started();
    const starts: number[] = [];
    members[1].die(90_000);
    for (let nth = 0; nth < 4; nth++) {
      await vi.advanceTimersByTimeAsync(0);
      members.at(-1)?.die(20_000);
      const before = members.length;
      const from = Date.now();
      while (members.length === before) await vi.advanceTimersByTimeAsync(100);
      starts.push(Date.now() - from);
    }
    expect(starts.map((ms) => Math.round(ms / 1000))).toEqual([0, 0, 1, 2]);
  });

  it('is started later when the system makes no process now', async () => {
    const [, two] = await started();
    refusals = 4;
    two.die(5000);
    await vi.advanceTimersByTimeAsync(5000);
    members[2]?.load(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(members[2]?.commands).toEqual(['prepare', 'attach', 'commit']);
  });

  it('is not replaced any more when prox stops', async () => {
    const [one, two] = await started();
    one.answers.set('drain', { kind: 'done', cut: 2 });
    two.answers.set('drain', { kind: 'done', cut: 3 });
    const drained = fleet.drain();
    await vi.advanceTimersByTimeAsync(0);
    one.die(5000);
    two.die(5000);
    expect(await drained).toBe(5);
    expect(members).toHaveLength(2);
  });

  it('that does not end when it is told to is killed', async () => {
    const pair = await started();
    for (const member of pair) member.answers.set('drain', null);
    const drained = fleet.drain();
    await vi.advanceTimersByTimeAsync(3000);
    expect(await drained).toBe(0);
    expect(pair.map(({ killed }) => killed)).toEqual([true, true]);
  });
});
