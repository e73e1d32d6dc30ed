import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { freePort } from '../testing/ports.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

const NAMES = ['a', 'b', 'c', 'd'];

let upstreams: TestUpstream[];
let daemon: TestDaemon;
let agent: Agent;

beforeAll(async () => {
  upstreams = await Promise.all(
    NAMES.map(async (name) => {
      const upstream = await TestUpstream.start((_, response) => response.end(name));
      upstream.http.on('upgrade', (_, socket) => {
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n${name}`);
        socket.on('error', () => {});
        socket.pipe(socket);
      });
      return upstream;
    }),
  );
  agent = new Agent({ connections: 64 });
  const targets = upstreams.map(({ address }) => address);
  const [first, second] = targets;
  const down = `127.0.0.1:${await freePort()}`;
  const route = (path: string, type: string, of: unknown[], action: object = {}): unknown => ({
    match: { path: `/${path}, /hold-${path}, /${path}/*` },
    balancer: { type, targets: of },
    action: { type: 'proxy', upstream: 'http://{target}', ...action },
  });
  const routes = [
    route('roundrobin', 'roundrobin', targets),
    route('random', 'random', targets),
    route('leastconn', 'leastconn', targets),
    route('pair', 'leastconn', [first, second]),
    route('tunnel', 'leastconn', [first, second]),
    route('aborted', 'leastconn', [first, second]),
    route('twochoices', 'twochoices', [first, second]),
    route('half-down', 'roundrobin', [down, first]),
    route('all-down', 'roundrobin', [down], { fallback: 'sorry' }),
    route('no-fallback', 'roundrobin', [down]),
    route('prefix', 'roundrobin', [first], { upstream: 'http://{target}/api' }),
  ];
  const actions = { sorry: { type: 'static', status: 503, body_ref: { text: 'sorry' } } };
  daemon = await TestDaemon.start(webConfig(routes, {}, { actions, logging: { access_log: './access.log' } }));
});
afterAll(async () => {
  await agent.destroy();
  await daemon.stop();
  for (const upstream of upstreams) await upstream.stop();
});

async function get(path: string): Promise<string> {
  const { body } = await request(daemon.url(path), { dispatcher: agent });
  return body.text();
}

async function many(path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = await get(path);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('roundrobin', () => {
  it('takes the targets in their order, over and over', async () => {
    const order: string[] = [];
    for (let i = 0; i < 12; i++) order.push(await get('/roundrobin'));
    const start = NAMES.indexOf(order[0]);
    expect(order).toEqual(order.map((_, i) => NAMES[(start + i) % NAMES.length]));
  });
});

describe('random', () => {
  it('spreads requests evenly, in no order', async () => {
    const counts = await many('/random', 400);
    // Six standard deviations of 100 ± 8.7: a fair choice fails once in a hundred million runs.
    for (const name of NAMES) expect(Math.abs((counts[name] ?? 0) - 100)).toBeLessThan(52);
  });
});

describe('leastconn', () => {
  it('goes to each target once while all are busy', async () => {
    const before = upstreams.map(({ requests }) => requests.length);
    const held = NAMES.map(() => get('/hold-leastconn'));
    await Promise.all(upstreams.map((upstream) => upstream.holds(1)));
    expect(upstreams.map(({ requests }, i) => requests.length - (before[i] ?? 0))).toEqual([1, 1, 1, 1]);
    // One is free again: it is the one for all that follows.
    upstreams[2]?.release();
    await Promise.race(held);
    expect(await many('/leastconn', 5)).toEqual({ c: 5 });
    for (const i of [0, 1, 3]) upstreams[i]?.release();
    await Promise.all(held);
  });

  it('counts a tunnel until it ends', async () => {
    const tunnel = await RawClient.connect(daemon.port());
    tunnel.send('GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    await tunnel.until(() => /\r\n\r\n[ab]$/.test(tunnel.received), 'the name of the target');
    const busy = tunnel.received.at(-1);
    const idle = busy === 'a' ? 'b' : 'a';
    expect(await many('/tunnel', 5)).toEqual({ [idle]: 5 });
    tunnel.send('bye');
    await tunnel.sees('bye');
    tunnel.socket.end();
    await tunnel.toEnd();
    tunnel.destroy();
    expect(Object.keys(await many('/tunnel', 6)).toSorted()).toEqual(['a', 'b']);
  });

  it('counts an exchange that its client gave up no longer', async () => {
    const client = await RawClient.connect(daemon.port());
    client.send('GET /hold-aborted HTTP/1.1\r\nHost: x\r\n\r\n');
    await Promise.race([upstreams[0]?.holds(1), upstreams[1]?.holds(1)]);
    client.socket.resetAndDestroy();
    await logLines(join(daemon.folder, 'access.log'), 1);
    const both = (): Promise<boolean> => many('/aborted', 6).then((counts) => Object.keys(counts).length === 2);
    expect(await eventually('both targets to be used', both)).toBe(true);
  });
});

describe('twochoices', () => {
  it('takes the less busy of two', async () => {
    const held = get('/hold-twochoices');
    const busy = await Promise.race([0, 1].map((i) => upstreams[i]?.holds(1).then(() => i)));
    expect(await many('/twochoices', 10)).toEqual({ [busy === 0 ? 'b' : 'a']: 10 });
    upstreams[busy]?.release();
    await held;
  });
});

describe('a target that is down', () => {
  it('is passed over for the next one, and told of', async () => {
    expect(await many('/half-down', 6)).toEqual({ a: 6 });
    await daemon.logged(({ level, msg }) => level === 'warn' && msg === 'upstream not reached; trying the next one');
  });

  it('leads to the fallback when it was the last', async () => {
    const { statusCode, body } = await request(daemon.url('/all-down'), { dispatcher: agent });
    expect([statusCode, await body.text()]).toEqual([503, 'sorry']);
  });

  it('leads to 502 without a fallback', async () => {
    const { statusCode, body } = await request(daemon.url('/no-fallback'), { dispatcher: agent });
    await body.dump();
    expect(statusCode).toBe(502);
  });
});

describe('a template', () => {
  it('puts the path of the upstream before that of the request', async () => {
    await get('/prefix/x?q=1');
    expect(upstreams[0]?.requests.at(-1)?.url).toBe('/api/prefix/x?q=1');
  });
});
