import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type LogLine, TestDaemon, webConfig } from '../testing/daemon.ts';
import { workerPids } from '../testing/worker-processes.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const config = (text: string): unknown =>
  webConfig([{ action: { type: 'static', status: 200, body_ref: { text } } }], {}, { logging: { level: 'debug' } });

/** What each worker has said that it serves, in the order of their numbers, after a number of lines of the log. */
async function serving(daemon: TestDaemon, workers: number, from: number): Promise<LogLine[]> {
  const lines = (): LogLine[] => daemon.log.slice(from).filter(({ msg }) => msg === 'worker serves');
  await daemon.logged(() => lines().length >= workers, from);
  return lines();
}

describe('the supervisor', () => {
  it('asks each worker what it serves, also the one that took the place of another', async () => {
    const daemon = await TestDaemon.start(config('one'), { workers: 2 });
    closers.push(() => daemon.stop());
    const pids = await workerPids(daemon.pid);
    const first = await serving(daemon, 2, 0);
    const listen = ['127.0.0.1:0'];
    const idle = { generation: 1, listen, connections: 0, exchanges: 0 };
    expect(first).toMatchObject([
      { of: 1, pid: pids[0], ...idle },
      { of: 2, pid: pids[1], ...idle },
    ]);
    // A connection that stays, at one of the workers; it is lost when that is the one that is killed.
    const socket = connect(daemon.port(), '127.0.0.1').on('error', () => {});
    closers.push(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    process.kill(pids[1], 'SIGKILL');
    const ready = await daemon.logged(({ msg }) => msg === 'worker ready');
    const from = daemon.log.length;
    const before = Date.now();
    expect(await daemon.reload(config('two'))).toBe(true);
    const second = await serving(daemon, 2, from);
    expect(second).toMatchObject([
      { of: 1, pid: pids[0], generation: 2, listen },
      { of: 2, pid: ready['pid'], generation: 2, listen },
    ]);
    for (const line of second) expect(line['since']).toBeGreaterThanOrEqual(before);
    const connections = second.reduce((sum, line) => sum + (line['connections'] as number), 0);
    expect(connections).toBe(socket.destroyed || socket.readableEnded ? 0 : 1);
  });

  it('says itself what it serves without workers', async () => {
    const daemon = await TestDaemon.start(config('one'));
    closers.push(() => daemon.stop());
    expect(await serving(daemon, 1, 0)).toMatchObject([{ of: 0, pid: daemon.pid, generation: 1, connections: 0 }]);
  });
});
