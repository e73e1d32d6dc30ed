import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { freePort } from '../testing/ports.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { eventually } from '../testing/wait.ts';
import { Relayed, type RelayedOptions } from '../testing/relayed.ts';

const running: { stop(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each.stop();
});

async function start(options: RelayedOptions): Promise<Relayed> {
  const relayed = await Relayed.start(options);
  running.push(relayed);
  return relayed;
}

async function upstream(path?: string): Promise<RawUpstream> {
  const one = await RawUpstream.start(path);
  running.push(one);
  return one;
}

/** Sends the ClientHello, and waits until one of the upstreams has it. */
async function send(relayed: Relayed, upstreams: readonly RawUpstream[]): Promise<RawClient> {
  const total = (): number => upstreams.reduce((sum, { peers }) => sum + peers.length, 0);
  const before = total();
  const client = await RawClient.connect(relayed.daemon.port());
  client.socket.write(relayed.hello);
  await eventually('an upstream connection', () => total() > before);
  return client;
}

describe('an upstream of a pass route', () => {
  it('may be a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prox-l4-'));
    const path = join(folder, 'up.sock');
    const one = await upstream(path);
    const relayed = await start({ action: { upstream: `unix://${path}` } });
    const client = await RawClient.connect(relayed.daemon.port());
    client.socket.write(relayed.hello);
    const peer = await one.peer();
    peer.send('from a socket').end();
    expect(await client.toEnd()).toBe('from a socket');
    client.end();
    await peer.gone();
    await rm(folder, { recursive: true });
  });

  it('that is a template is filled with the variables of the route', async () => {
    const one = await upstream();
    const relayed = await start({
      action: { upstream: '{host}:{port}' },
      route: { set: { host: '127.0.0.1', port: `${one.port}` } },
    });
    const client = await RawClient.connect(relayed.daemon.port());
    client.socket.write(relayed.hello);
    const peer = await one.peer();
    await peer.sees(relayed.hello.toString('latin1'));
    client.destroy();
  });

  it('that cannot be reached closes the connection, with a code in the log', async () => {
    const port = await freePort();
    const relayed = await start({ action: { upstream: `127.0.0.1:${port}` } });
    const client = await RawClient.connect(relayed.daemon.port());
    client.socket.write(relayed.hello);
    expect(await client.toEnd()).toBe('');
    const [line] = await logLines(relayed.accessLog, 1);
    expect(line).toMatchObject({ error: 'dial_failed', bytes_out: 0, upstream_addr: null });
    const warning = await relayed.daemon.logged(({ msg }) => msg === 'relay failed');
    expect(warning).toMatchObject({ level: 'warn', route: 'web:0', host: 'pass.test', client: '127.0.0.1' });
  });

  it('is the next target when one cannot be reached', async () => {
    const one = await upstream();
    const dead = await freePort();
    const relayed = await start({
      action: { upstream: '{target}' },
      route: { balancer: { type: 'roundrobin', targets: [`127.0.0.1:${dead}`, one.authority] } },
    });
    for (let i = 0; i < 4; i++) {
      const client = await RawClient.connect(relayed.daemon.port());
      client.socket.write(relayed.hello);
      const peer = await one.peer(i);
      await peer.sees(relayed.hello.toString('latin1'));
      client.end();
      peer.end();
      await peer.gone();
    }
    await relayed.daemon.logged(({ msg }) => msg === 'upstream not reached; trying the next one');
    const lines = await logLines(relayed.accessLog, 4);
    expect(lines.map(({ error }) => error)).toEqual([null, null, null, null]);
  });

  it('counts as busy with leastconn as long as its connection is open', async () => {
    const all = [await upstream(), await upstream(), await upstream()];
    const relayed = await start({
      action: { upstream: '{target}' },
      route: { balancer: { type: 'leastconn', targets: all.map(({ authority }) => authority) } },
    });
    const clients = [];
    for (let i = 0; i < 9; i++) clients.push(await send(relayed, all));
    expect(all.map(({ peers }) => peers.length)).toEqual([3, 3, 3]);
    // Two connections of the second end: the next two go there.
    for (const peer of all[1].peers.slice(0, 2)) peer.socket.resetAndDestroy();
    await logLines(relayed.accessLog, 2);
    for (let i = 0; i < 2; i++) clients.push(await send(relayed, all));
    expect(all.map(({ peers }) => peers.length)).toEqual([3, 5, 3]);
    for (const client of clients) client.destroy();
  });
});
