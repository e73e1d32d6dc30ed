import type { LogLine, TestDaemon } from './daemon.ts';
import { FrameClient } from './frame-client.ts';
import { H2Client } from './h2-client.ts';
import { Proxied } from './proxied.ts';
import type { RawUpstream } from './raw-upstream.ts';

/** A daemon in front of one raw upstream, and clients of HTTP/2 that go with it. 3 MB are at `/big`. */
export class Http2Proxied {
  readonly daemon: TestDaemon;
  readonly upstream: RawUpstream;
  private readonly proxied: Proxied;
  private readonly clients: { destroy(): void }[] = [];

  private constructor(proxied: Proxied) {
    this.proxied = proxied;
    this.daemon = proxied.daemon;
    this.upstream = proxied.upstream;
  }

  /**
   * @param limits the service's `config`
   * @param action keys of the proxy action that are other than those to the raw upstream
   */
  static async start(
    limits: Record<string, unknown> = {},
    action: Record<string, unknown> = {},
  ): Promise<Http2Proxied> {
    const big = { type: 'static', status: 200, body_ref: { text: 'x'.repeat(3_000_000) } };
    const routes = [{ match: { path: '/big' }, action: big }];
    return new Http2Proxied(await Proxied.start({ limits, action, args: ['-log-level=debug'], routes }));
  }

  /** A client that has sent its preface and settings. */
  async frames(settings: Record<number, number> = {}): Promise<FrameClient> {
    return this.adopt(await FrameClient.connect(this.daemon.port(), settings));
  }

  /** A client that has sent some text. */
  async raw(begin: string): Promise<FrameClient> {
    return this.adopt(await FrameClient.raw(this.daemon.port(), begin));
  }

  /** A client on node:http2. */
  async h2(): Promise<H2Client> {
    return this.adopt(await H2Client.connect(this.daemon.url()));
  }

  /** Waits until the daemon has logged a failure with that code. */
  failed(code: string): Promise<LogLine> {
    return this.daemon.logged((line) => (line['error'] as { code?: string } | undefined)?.code === code);
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    await this.proxied.stop();
  }

  private adopt<T extends { destroy(): void }>(client: T): T {
    this.clients.push(client);
    return client;
  }
}
