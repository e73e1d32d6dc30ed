import { type Asked, ask, type Wish } from '../phases/client.ts';
import { type Protocol, UpstreamServer } from '../phases/upstream-server.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { RawClient } from '../testing/raw-client.ts';
import { AuthServer } from './auth-server.ts';

/** How the daemon is set up. */
export interface GuardedOptions {
  /** Keys of the plugin besides its category and URL. */
  readonly plugin?: Readonly<Record<string, unknown>>;
  /** The service's `config`. */
  readonly limits?: Readonly<Record<string, unknown>>;
  readonly workers?: number;
}

/** A daemon whose routes ask an auth server, and an upstream behind it. */
export class Guarded {
  readonly daemon: TestDaemon;
  readonly auth: AuthServer;
  readonly upstream: UpstreamServer;
  private readonly options: GuardedOptions;
  private readonly asked: Asked[] = [];

  private constructor(daemon: TestDaemon, auth: AuthServer, upstream: UpstreamServer, options: GuardedOptions) {
    this.daemon = daemon;
    this.auth = auth;
    this.upstream = upstream;
    this.options = options;
  }

  static async start(options: GuardedOptions = {}): Promise<Guarded> {
    const auth = await AuthServer.start();
    const upstream = await UpstreamServer.start('http/1.1');
    const daemon = await TestDaemon.start(configOf(auth.url, upstream.port, options), {
      workers: options.workers ?? 0,
    });
    return new Guarded(daemon, auth, upstream, options);
  }

  /** Begins a request. */
  ask(protocol: Protocol, wish: Wish = {}): Asked {
    const asked = ask(protocol, this.daemon.port(), wish);
    this.asked.push(asked);
    return asked;
  }

  /** Sends a request and reads the answer to its end. */
  get(protocol: Protocol, path = '/', wish: Wish = {}): Promise<Asked> {
    return this.ask(protocol, { path, ...wish }).done();
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.daemon.port());
  }

  /** Puts other keys of the plugin in force. */
  async reload(plugin: Readonly<Record<string, unknown>>, url = this.auth.url): Promise<boolean> {
    return this.daemon.reload(configOf(url, this.upstream.port, { ...this.options, plugin }));
  }

  /** Between two tests. */
  async reset(): Promise<void> {
    for (const asked of this.asked.splice(0)) {
      asked.abort();
      await asked.done();
    }
    this.auth.reset();
    this.upstream.reset();
  }

  async stop(): Promise<void> {
    await this.reset();
    await this.auth.stop();
    await this.upstream.stop();
    await stopHealthy(this.daemon);
  }
}

function configOf(authUrl: string, upstream: number, { plugin, limits }: GuardedOptions): unknown {
  const action = { type: 'proxy', upstream: `http://127.0.0.1:${upstream}` };
  const login = { category: 'forward_auth', auth_url: authUrl, ...plugin };
  return webConfig(
    [
      { match: { path: '/open/*' }, action },
      { plugins: ['login'], action },
    ],
    { config: { shutdown_timeout: '5s', ...limits } },
    { plugins: { login } },
  );
}
