import { type DaemonOptions, TestDaemon } from './daemon.ts';
import { clientHello } from './client-hello.ts';
import { stopHealthy } from './health.ts';
import { RawClient } from './raw-client.ts';
import { type RawPeer, RawUpstream } from './raw-upstream.ts';
import { pairFor } from './certificates.ts';

export interface RelayedOptions extends DaemonOptions {
  /** The service's `config`. */
  readonly limits?: Record<string, unknown>;
  /** Fields of the pass action. */
  readonly action?: Record<string, unknown>;
  /** Fields of its route. */
  readonly route?: Record<string, unknown>;
  /** Routes before it. */
  readonly routes?: readonly unknown[];
}

/** A daemon with a TLS listener that passes `pass.test` on to a raw upstream, and answers everything else itself. */
export class Relayed {
  readonly daemon: TestDaemon;
  readonly upstream: RawUpstream;
  /** The ClientHello for the pass route. */
  readonly hello: Buffer;
  readonly config: unknown;
  /** Connections that `connect` has opened. */
  opened = 0;
  private readonly clients: RawClient[] = [];

  private constructor(daemon: TestDaemon, upstream: RawUpstream, hello: Buffer, config: unknown) {
    this.daemon = daemon;
    this.upstream = upstream;
    this.hello = hello;
    this.config = config;
  }

  static async start(options: RelayedOptions = {}): Promise<Relayed> {
    const upstream = await RawUpstream.start();
    const { cert, key } = pairFor('own.test');
    const action = { type: 'pass', upstream: upstream.authority, ...options.action };
    const routes = [
      ...(options.routes ?? []),
      { match: { domain: 'pass.test' }, action, ...options.route },
      { match: { domain: 'own.test' }, action: { type: 'static', status: 200, body_ref: { text: 'own' } } },
    ];
    const tls = { tls: true, tls_cert: 'own.crt', tls_key: 'own.key', h2: false };
    const config = {
      services: { web: { listen: '127.0.0.1:0', ...tls, routes, config: options.limits ?? {} } },
      logging: { access_log: 'access.log' },
    };
    const files = { 'own.crt': cert, 'own.key': key, ...options.files };
    const daemon = await TestDaemon.start(config, { ...options, files });
    return new Relayed(daemon, upstream, await clientHello('pass.test'), config);
  }

  get accessLog(): string {
    return `${this.daemon.folder}/access.log`;
  }

  /** A client that has sent its ClientHello, and the connection to the upstream, which has it. */
  async connect(host = '127.0.0.1'): Promise<{ client: RawClient; peer: RawPeer }> {
    const index = this.upstream.peers.length;
    const client = await RawClient.connect(this.daemon.port(), host);
    this.opened++;
    this.clients.push(client);
    client.socket.write(this.hello);
    const peer = await this.upstream.peer(index);
    await peer.sees(this.hello.toString('latin1'));
    return { client, peer };
  }

  /** Between two tests: every connection is closed. */
  async reset(): Promise<void> {
    for (const client of this.clients.splice(0)) client.end();
    await this.upstream.reset();
  }

  async stop(): Promise<void> {
    await this.upstream.stop();
    await stopHealthy(this.daemon);
  }
}
