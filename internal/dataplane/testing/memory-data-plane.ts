import type { ProxyError } from '../../base/index.ts';
import { HandClock } from '../../base/testing/hand-clock.ts';
import type { Config } from '../../config/index.ts';
import { connectLocally, SupervisorHub } from '../../control/index.ts';
import { load } from '../../config/testing/config-folder.ts';
import { bodies, get } from '../../downstream/testing/http1-client.ts';
import type { ServerHandle } from '../../transport/index.ts';
import { type MemoryClient, settled } from '../../transport/testing/memory-client.ts';
import { MemoryNetwork } from '../../transport/testing/memory-network.ts';
import type { RecordSink } from '../access-log-filter.ts';
import { Generations, type GenerationEvents } from '../generations.ts';

/** Access logs in memory: which are held, and a line `NAME STATUS` for each exchange. */
class MemoryLogs {
  readonly held: string[] = [];
  readonly lines: string[] = [];
  /** The name of one that cannot be opened; empty for none. */
  broken = '';

  acquire(path: string): Promise<{ sink: RecordSink; release(): Promise<void> }> {
    const name = path.split('/').at(-1) ?? '';
    if (name === this.broken) return Promise.reject(new Error(`${path}: not to be opened`));
    this.held.push(name);
    return Promise.resolve({
      sink: { write: (record) => void this.lines.push(`${name} ${record.status}`) },
      release: () => Promise.resolve(void this.held.splice(this.held.indexOf(name), 1)),
    });
  }
}

/** An upstream that answers when a test says so. */
export class MemoryUpstream {
  readonly connections: MemoryClient[] = [];

  /** Answers the request that came last. */
  async answer(text: string): Promise<void> {
    const last = this.connections.at(-1);
    if (last === undefined || last.take() === '') throw new Error('the upstream has got no request');
    await last.send(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  }
}

/** The data plane of a process over a network in memory, on a clock that the test moves. */
export class MemoryDataPlane {
  readonly network = new MemoryNetwork();
  readonly clock = new HandClock();
  readonly logs = new MemoryLogs();
  /** What it has reported: `EVENT CODE`, or `EVENT` alone. */
  readonly reports: string[] = [];
  readonly generations: Generations;
  /** Ports that are bound. */
  readonly #ports = new Set<number>();

  constructor() {
    this.generations = new Generations({
      line: connectLocally(new SupervisorHub((message) => void this.reports.push(message))),
      features: [],
      accessLogs: this.logs,
      events: this.#events(),
      ticketKeys: Buffer.alloc(48),
      siblings: null,
      wantSpare: null,
      deadlines: this.clock.deadlines,
      network: this.network,
    });
  }

  /** Loads and prepares a config; `prox.json5` holds it. */
  async prepare(text: string): Promise<Config> {
    const config = await load({ 'prox.json5': text });
    await this.generations.prepare(config);
    return config;
  }

  /** Binds a port of 127.0.0.1. */
  bind(port: number): ServerHandle {
    this.#ports.add(port);
    return this.network.bind(port);
  }

  /** Listens on ports that the prepared config adds. */
  attach(...ports: number[]): Promise<void> {
    return this.generations.attach(new Map(ports.map((port) => [`127.0.0.1:${port}`, this.bind(port)])));
  }

  /** Puts a config in force as the control plane does: binds what it adds. */
  async serve(text: string): Promise<void> {
    const { services } = await this.prepare(text);
    const wanted = services.flatMap(({ listen }) => (listen.kind === 'tcp' ? [listen.port] : []));
    await this.attach(...wanted.filter((port) => !this.#ports.has(port)));
    this.generations.commit();
    for (const port of this.#ports) if (!wanted.includes(port)) this.#ports.delete(port);
    await settled();
  }

  /** The body of the answer to a request on a new connection. */
  async ask(port: number): Promise<string> {
    const client = this.network.client(port);
    await client.send(get('/'));
    const [body] = bodies(client.take());
    await client.close();
    return body ?? '';
  }

  /** Serves a port as an upstream. */
  upstream(port: number): MemoryUpstream {
    const upstream = new MemoryUpstream();
    this.network.upstream(port, (client) => upstream.connections.push(client));
    return upstream;
  }

  /** Waits for a timer of the system. */
  async until(condition: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !condition();) {
      if (Date.now() > end) throw new Error('waited in vain');
      await settled();
    }
  }

  /** Ends whatever is left. */
  async stop(): Promise<void> {
    await this.network.closeClients();
    await this.generations.drain();
  }

  #events(): GenerationEvents {
    const note =
      (event: string) =>
      (_: unknown, error?: ProxyError | Error): void => {
        this.reports.push(error !== undefined && 'code' in error ? `${event} ${error.code}` : event);
      };
    return {
      exchangeFailed: note('exchangeFailed'),
      connectionRefused: ({ error }) => void this.reports.push(`connectionRefused ${error.code}`),
      sessionBroken: note('sessionBroken'),
      unreachable: note('unreachable'),
      upstreamSessionEnded: note('upstreamSessionEnded'),
      acceptFailed: note('acceptFailed'),
      descriptorsUsedUp: note('descriptorsUsedUp'),
      pluginWarned: (plugin) => void this.reports.push(`pluginWarned ${plugin}`),
      noSystemRoots: () => this.reports.push('noSystemRoots'),
      failedLater: (error) => void this.reports.push(`failedLater ${error.message}`),
    };
  }
}
