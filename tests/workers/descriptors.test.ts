import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { head } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { workerPids } from '../testing/worker-processes.ts';

const GET = head('GET / HTTP/1.1', 'Host: a');
const GET_CLOSE = head('GET / HTTP/1.1', 'Host: a', 'Connection: close');
const USED_UP = 'descriptors are used up; new connections wait until others close';
const LIMIT = 256;

let daemon: TestDaemon;
let config: unknown;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(workers: number): Promise<void> {
  const upstream = await TestUpstream.start();
  closers.push(() => upstream.stop());
  config = webConfig(
    [{ action: { type: 'proxy', upstream: upstream.address } }],
    {},
    { logging: { access_log: 'access.log' } },
  );
  daemon = await TestDaemon.start(config, { workers, descriptors: LIMIT });
  closers.push(() => daemon.stop());
}

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(daemon.port());
  closers.push(() => made.destroy());
  return made;
}

/** Opens connections and sends a request on each; returns when those that there is room for are served. */
async function crowd(count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, async () => (await client()).send(GET)));
  const { connections } = await daemon.logged(({ msg }) => msg === USED_UP);
  expect(connections).toBeGreaterThan(60);
  await eventually('as many to be served as there is room for', () => served(clients).length === connections);
  return clients;
}

function served(clients: readonly RawClient[]): RawClient[] {
  return clients.filter(({ received }) => received.startsWith('HTTP/1.1 200 '));
}

/** Descriptors that the process which serves has open. */
async function openIn(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

describe('when descriptors run out', () => {
  it('every one of 1,050 clients is answered in turn', async () => {
    await start(1);
    const answers = await Promise.all(Array.from({ length: 1050 }, () => exchangeRaw(daemon.port(), GET_CLOSE)));
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200 '))).toHaveLength(1050);
  });

  it('clients that are served go on, further ones wait and are served when others close', async () => {
    await start(1);
    const clients = await crowd(600);
    const inside = served(clients);
    // Answered again and again, though hundreds wait.
    for (let round = 2; round <= 4; round++) {
      for (const each of inside) each.send(GET);
      for (const each of inside) await each.until(() => each.received.split('HTTP/1.1 200 ').length > round);
    }
    const outside = clients.filter((each) => !inside.includes(each));
    expect(outside.every(({ received, ended, closed }) => received === '' && !ended && !closed)).toBe(true);
    for (const each of inside) each.destroy();
    await eventually('others to take their places', () => served(outside).length >= inside.length / 2);
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('a reload, log files and upstreams have descriptors left, and the log says so once a second', async () => {
    await start(1);
    const clients = await crowd(600);
    const [worker = 0] = await workerPids(daemon.pid);
    expect(await openIn(worker)).toBeLessThan(LIMIT - 30);
    await rename(join(daemon.folder, 'access.log'), join(daemon.folder, 'access.log.1'));
    const from = daemon.log.length;
    daemon.signal('SIGHUP');
    await daemon.logged(({ msg }) => msg === 'config reloaded', from);
    const [one] = served(clients);
    one?.send(GET);
    await one?.until(() => one.received.split('HTTP/1.1 200 ').length === 3);
    await eventually('the new log to have it', async () => (await readdir(daemon.folder)).includes('access.log'));
    expect(daemon.log.filter(({ msg }) => msg === USED_UP).length).toBeLessThan(5);
    expect(daemon.log.find(({ msg }) => msg === USED_UP)).toMatchObject({ level: 'warn', worker: 1, limit: LIMIT });
  });

  it('the limit is said when prox is ready', async () => {
    await start(2);
    expect(daemon.log.find(({ msg }) => msg === 'ready')).toMatchObject({
      descriptors: LIMIT,
      clients: expect.any(Number),
    });
  });

  it('one process alone serves its clients, and refuses further ones', async () => {
    await start(0);
    const clients = await crowd(600);
    await eventually(
      'the others to be closed',
      () => clients.filter(({ closed, ended }) => closed || ended).length >= 450,
    );
    const inside = served(clients);
    for (const each of inside) each.send(GET);
    for (const each of inside) await each.until(() => each.received.split('HTTP/1.1 200 ').length === 3);
  });
});
