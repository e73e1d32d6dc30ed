import { execFile } from 'node:child_process';
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type DaemonOptions, TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { eventually } from '../testing/wait.ts';
import { clientPortsOf, workerPids } from '../testing/worker-processes.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OK = { type: 'static', status: 200, body_ref: { text: 'ok' } };

const limited = (limit: Record<string, unknown>, action: unknown = OK): unknown =>
  webConfig([{ action, plugins: ['fair'] }], {}, { plugins: { fair: { category: 'limit', ...limit } } });

async function start(config: unknown, options: DaemonOptions = { workers: 4 }): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(config, options);
  closers.push(() => daemon.stop());
  return daemon;
}

/** A client with a connection of its own, which a worker has. */
interface Client {
  /** The status of a request; 0 when the connection was lost. */
  get(headers?: Record<string, string>): Promise<number>;
}

async function clientsOf(daemon: TestDaemon, http1: number, http2: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let i = 0; i < http1; i++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closers.push(() => agent.destroy());
    clients.push({ get: (headers = {}) => statusOf(daemon.url(), agent, headers) });
  }
  for (let i = 0; i < http2; i++) {
    const client = await H2Client.connect(daemon.url());
    closers.push(() => client.session.destroy());
    clients.push({ get: async (headers = {}) => (client.closed ? 0 : (await client.get('/', headers)).status) });
  }
  return clients;
}

function statusOf(url: string, agent: Agent | undefined, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    get(url, { agent, headers }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode ?? 0));
    }).on('error', () => resolve(0));
  });
}

/** Has every client send so many requests, ten at a time. @returns how many were answered with each status */
async function flood(clients: readonly Client[], each: number): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const sender = async (client: Client): Promise<void> => {
    for (let i = 0; i < each / 10; i++) {
      const status = await client.get();
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: 10 }, () => sender(client))));
  return counts;
}

/** Kills a worker, and waits for the one that takes its place. */
async function replaceWorker(daemon: TestDaemon, pid: number): Promise<void> {
  const from = daemon.log.length;
  process.kill(pid, 'SIGKILL');
  await daemon.logged(({ msg }) => msg === 'worker ready', from);
}

describe('a rate', () => {
  it.each([
    ['small', 200],
    ['leased', 2000],
  ])('is one for all workers, over HTTP/1.1 and HTTP/2, also when one is killed: %s', async (_, max) => {
    const daemon = await start(limited({ max, interval: '10m' }));
    const before = (await flood(await clientsOf(daemon, 8, 4), (max * 0.6) / 12))[200] ?? 0;
    expect(before).toBe(max * 0.6);
    const [victim] = await workerPids(daemon.pid);
    await replaceWorker(daemon, victim);
    const counts = await flood(await clientsOf(daemon, 8, 4), max / 2);
    expect(Object.keys(counts).toSorted()).toEqual(['200', '429']);
    const admitted = before + (counts[200] ?? 0);
    expect(admitted).toBeLessThanOrEqual(max);
    expect(admitted).toBeGreaterThanOrEqual(max * 0.95);
  });

  it('by buckets admits the burst and then its rate, whatever the workers', async () => {
    const daemon = await start(limited({ max: 400, interval: '1s', burst: 100, algorithm: 'gcra' }));
    const clients = await clientsOf(daemon, 8, 4);
    const began = performance.now();
    let admitted = 0;
    const sender = async (client: Client): Promise<void> => {
      while (performance.now() - began < 3000) if ((await client.get()) === 200) admitted++;
    };
    await Promise.all(clients.map(sender));
    const expected = 100 + (400 * (performance.now() - began)) / 1000;
    expect(admitted).toBeLessThanOrEqual(expected * 1.05);
    expect(admitted).toBeGreaterThanOrEqual(expected * 0.95);
  });

  it('outlives a reload that leaves it as it is, and begins anew when it is changed', async () => {
    const daemon = await start(limited({ max: 20, interval: '10m' }));
    const [client] = (await clientsOf(daemon, 1, 0)) as [Client];
    for (let i = 0; i < 20; i++) expect(await client.get()).toBe(200);
    expect(await client.get()).toBe(429);
    const other = webConfig(
      [{ action: { ...OK, body_ref: { text: 'other' } }, plugins: ['fair'] }],
      {},
      {
        plugins: { fair: { category: 'limit', max: 20, interval: '10m' } },
      },
    );
    expect(await daemon.reload(other)).toBe(true);
    const [next] = (await clientsOf(daemon, 1, 0)) as [Client];
    expect(await next.get()).toBe(429);
    expect(await daemon.reload(limited({ max: 21, interval: '10m' }))).toBe(true);
    expect(await next.get()).toBe(200);
  });

  it('tells clients what they may do', async () => {
    const daemon = await start(limited({ max: 2, interval: '1m', tag: 'header', key: 'X-Key' }), { workers: 2 });
    const curl = async (...args: string[]): Promise<string> => {
      const { stdout } = await promisify(execFile)('curl', ['-si', ...args, daemon.url()]);
      return stdout;
    };
    expect(await curl()).not.toMatch(/ratelimit/i);
    for (const version of ['--http1.1', '--http2-prior-knowledge']) {
      const headers = ['-H', `X-Key: ${version}`];
      expect(await curl(version, ...headers)).toMatch(
        / 200 [^]*\r\nratelimit-policy: "fair";q=2;w=60\r\nratelimit: "fair";r=1;t=\d+\r\n/i,
      );
      await curl(version, ...headers);
      const refused = await curl(version, ...headers);
      expect(refused).toMatch(/^HTTP\/\S+ 429 /);
      expect(refused).toMatch(/\r\ncache-control: private, no-cache\r\n/i);
      expect(refused).toMatch(/\r\nratelimit: "fair";r=0;t=\d+\r\n/i);
      const [, wait] = /\r\nretry-after: (\d+)\r\n/i.exec(refused) ?? [];
      expect(Number(wait)).toBeGreaterThan(50);
      expect(Number(wait)).toBeLessThanOrEqual(61);
      expect(refused.endsWith('\r\n\r\nPlugin limit, exceed limit 3/2')).toBe(true);
      const json = await curl(version, ...headers, '-H', 'Accept: application/json');
      expect(JSON.parse(json.slice(json.indexOf('{')))).toMatchObject({ status: 429, title: 'Too Many Requests' });
    }
  });
});

describe('requests under way', () => {
  /** Requests that an upstream has got, and holds until it is told to answer. */
  class Holding {
    readonly held: ServerResponse[] = [];
    most = 0;
    private readonly server = createServer((_: IncomingMessage, response: ServerResponse) => {
      this.held.push(response);
      response.on('close', () => this.held.splice(this.held.indexOf(response), 1));
      this.most = Math.max(this.most, this.held.length);
    });

    async start(): Promise<string> {
      await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
      closers.push(() => {
        this.server.closeAllConnections();
        this.server.close();
      });
      return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    answer(): void {
      for (const response of this.held) response.end('ok');
    }
  }

  it('are one count for all workers, and free again however they end, with their worker too', async () => {
    const upstream = new Holding();
    const daemon = await start(
      limited({ type: 'inflight', max: 6 }, { type: 'proxy', upstream: await upstream.start() }),
    );
    /** Sends requests one by one until one is refused; @returns how many wait for the upstream then */
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        const count = upstream.held.length;
        let refused = false;
        const agent = new Agent();
        closers.push(() => agent.destroy());
        void statusOf(daemon.url(), agent).then((status) => (refused = status === 429));
        await eventually('the request to be refused or held', () => refused || upstream.held.length > count);
        if (refused) return;
      }
      throw new Error('no request was refused');
    };
    await fill();
    expect(upstream.held).toHaveLength(6);
    // The worker that is killed takes its requests with it, and only they are replaced.
    const pids = await workerPids(daemon.pid);
    const ports = await Promise.all(pids.map((pid) => clientPortsOf(pid, daemon.port())));
    const victim = ports.findIndex(({ size }) => size > 0);
    const left = 6 - (ports[victim]?.size ?? 0);
    await replaceWorker(daemon, pids[victim]);
    await eventually('the requests of the worker to be over', () => upstream.held.length === left);
    await fill();
    expect(upstream.held).toHaveLength(6);
    // Answered.
    upstream.answer();
    await eventually('all to be over', () => upstream.held.length === 0);
    const h2 = await H2Client.connect(daemon.url());
    closers.push(() => h2.session.destroy());
    const streams = Array.from({ length: 6 }, () => h2.open({ ':path': '/' }, true));
    await eventually('HTTP/2 to have all places', () => upstream.held.length === 6);
    expect((await h2.get('/')).status).toBe(429);
    expect((await h2.get('/')).headers['ratelimit-policy']).toBe('"fair";q=6;qu="concurrent-requests"');
    // Reset by the client.
    for (const stream of streams) stream.close(8);
    await eventually('all to be over', () => upstream.held.length === 0);
    await fill();
    expect(upstream.held).toHaveLength(6);
    expect(upstream.most).toBe(6);
  });
});
