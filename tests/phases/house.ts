import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import type { Feature, Filter } from '../../internal/exchange/index.ts';
import { createLogger } from '../../internal/logger/index.ts';
import { Daemon, SocketActivation } from '../../internal/supervisor/index.ts';
import { type Asked, ask, type Wish } from './client.ts';
import { type Protocol, UpstreamServer } from './upstream-server.ts';

/** The protocols of both sides. */
export interface Pairing {
  readonly client: Protocol;
  readonly upstream: Protocol;
}

export const PAIRINGS: readonly Pairing[] = [
  { client: 'http/1.1', upstream: 'http/1.1' },
  { client: 'http/1.1', upstream: 'h2' },
  { client: 'h2', upstream: 'http/1.1' },
  { client: 'h2', upstream: 'h2' },
];

/**
 * A daemon in this process with two upstreams of one protocol, whose only route runs a filter that each test replaces: a
 * phase is seen from both sides, over real sockets.
 */
export class PhaseHouse {
  /** What the route runs; a phase that is left out goes on. */
  filter: Filter = {};
  readonly upstream: UpstreamServer;
  /** Gets what the first does not. */
  readonly second: UpstreamServer;
  readonly client: Protocol;
  private readonly folder: string;
  private readonly daemon: Daemon;
  private readonly asked: Asked[] = [];

  private constructor(client: Protocol, upstreams: readonly [UpstreamServer, UpstreamServer], folder: string) {
    this.client = client;
    [this.upstream, this.second] = upstreams;
    this.folder = folder;
    const log = openSync(join(folder, 'log'), 'w');
    this.daemon = new Daemon({
      configPath: join(folder, 'prox.json5'),
      levelFlag: 'debug',
      levelEnv: null,
      workers: 0,
      logger: createLogger({ fd: log, pretty: false }),
      inherited: null,
      activation: new SocketActivation(),
      features: [this.probe],
    });
  }

  static async start({ client, upstream: protocol }: Pairing): Promise<PhaseHouse> {
    const upstreams = [await UpstreamServer.start(protocol), await UpstreamServer.start(protocol)] as const;
    const folder = await mkdtemp(join(tmpdir(), 'prox-phases-'));
    const house = new PhaseHouse(client, upstreams, folder);
    const proto = protocol === 'h2' ? { proto: 'h2' } : {};
    const config = {
      plugins: { probe: { category: 'probe' } },
      services: {
        web: {
          listen: '127.0.0.1:0',
          plugins: ['probe'],
          config: { stall_timeout: '10s', shutdown_timeout: '1s' },
          routes: [
            {
              match: { path: '/balanced/*' },
              balancer: { type: 'roundrobin', targets: upstreams.map(({ port }) => `127.0.0.1:${port}`) },
              action: { type: 'proxy', upstream: 'http://{target}', ...proto },
            },
            {
              match: { path: '/dead/*' },
              balancer: { type: 'roundrobin', targets: ['127.0.0.1:1', `127.0.0.1:${upstreams[0].port}`] },
              action: { type: 'proxy', upstream: 'http://{target}', ...proto },
            },
            {
              match: { path: '/fallback/*' },
              action: {
                type: 'proxy',
                upstream: `http://127.0.0.1:${upstreams[0].port}`,
                fallback: 'second',
                ...proto,
              },
            },
            { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'static' } } },
            {
              match: { path: '/*' },
              action: { type: 'proxy', upstream: `http://127.0.0.1:${upstreams[0].port}`, ...proto },
            },
          ],
        },
      },
      actions: { second: { type: 'proxy', upstream: `http://127.0.0.1:${upstreams[1].port}`, ...proto } },
    };
    await writeFile(join(folder, 'prox.json5'), JSON.stringify(config));
    await house.daemon.start();
    return house;
  }

  get port(): number {
    const [address] = this.daemon.inheritance.addresses.values();
    return address.port;
  }

  /** Begins a request. */
  ask(wish: Wish = {}): Asked {
    const asked = ask(this.client, this.port, wish);
    this.asked.push(asked);
    return asked;
  }

  /** Sends a request and reads the answer to its end. */
  get(path = '/', wish: Wish = {}): Promise<Asked> {
    return this.ask({ path, ...wish }).done();
  }

  /** Lines of the daemon's log. */
  async log(): Promise<readonly { readonly level: string; readonly msg: string; readonly error?: { code: string } }[]> {
    const text = await readFile(join(this.folder, 'log'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  /** Between two tests. */
  async reset(): Promise<void> {
    for (const asked of this.asked.splice(0)) {
      asked.abort();
      await asked.done();
    }
    this.filter = {};
    this.upstream.reset();
    this.second.reset();
  }

  async stop(): Promise<void> {
    await this.reset();
    await this.daemon.stop(new Set());
    await this.upstream.stop();
    await this.second.stop();
    await rm(this.folder, { recursive: true });
  }

  /** A middleware that does what `filter` says when a phase comes. */
  private get probe(): Feature {
    return {
      category: 'probe',
      schema: z.strictObject({ category: z.literal('probe') }),
      build: () => ({}),
      compile: (): Filter => ({
        onConnection: (client) => this.filter.onConnection?.(client) ?? null,
        onRequest: (exchange) => this.filter.onRequest?.(exchange) ?? null,
        onSelectTarget: (exchange, search) => this.filter.onSelectTarget?.(exchange, search),
        onUpstreamRequest: (exchange, attempt) => this.filter.onUpstreamRequest?.(exchange, attempt) ?? null,
        onUpstreamResponse: (exchange, response) => this.filter.onUpstreamResponse?.(exchange, response) ?? null,
        onResponse: (exchange, response) => this.filter.onResponse?.(exchange, response),
        onEnd: (exchange, outcome) => this.filter.onEnd?.(exchange, outcome),
      }),
    };
  }
}
