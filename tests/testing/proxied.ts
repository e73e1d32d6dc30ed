import { type DaemonOptions, TestDaemon, webConfig } from './daemon.ts';
import { stopHealthy } from './health.ts';
import { RawClient } from './raw-client.ts';
import { type Answer, RawUpstream, type RawRequest } from './raw-upstream.ts';

export interface ProxiedOptions extends DaemonOptions {
  /** The service's `config`. */
  readonly limits?: Record<string, unknown>;
  /** Fields of the proxy action besides its upstream. */
  readonly action?: Record<string, unknown>;
  /** Routes before the one to the upstream. */
  readonly routes?: readonly unknown[];
  /** Path behind the upstream's authority. */
  readonly prefix?: string;
}

/** A daemon in front of one raw upstream. */
export class Proxied {
  readonly daemon: TestDaemon;
  readonly upstream: RawUpstream;

  private constructor(daemon: TestDaemon, upstream: RawUpstream) {
    this.daemon = daemon;
    this.upstream = upstream;
  }

  static async start(options: ProxiedOptions = {}): Promise<Proxied> {
    const upstream = await RawUpstream.start();
    const action = {
      type: 'proxy',
      upstream: `http://${upstream.authority}${options.prefix ?? ''}`,
      ...options.action,
    };
    const routes = [...(options.routes ?? []), { action }];
    const daemon = await TestDaemon.start(webConfig(routes, { config: options.limits ?? {} }), options);
    return new Proxied(daemon, upstream);
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.daemon.port());
  }

  /** Sends bytes on a connection of its own and answers each request with the text; returns when `until` has come. */
  async exchange(sent: string, answer: Answer, until?: string): Promise<Exchanged> {
    this.upstream.serve(answer);
    const client = await this.connect();
    client.send(sent);
    if (until === undefined) await client.toEnd();
    else await client.sees(until);
    const { requests } = this.upstream;
    client.destroy();
    await client.gone();
    return {
      received: client.received,
      requests: [...requests],
      request: requests[0]?.head ?? '',
      body: requests[0]?.body ?? '',
    };
  }

  /** Between two tests: no connection is left over, nothing was received. */
  async reset(): Promise<void> {
    await this.upstream.reset();
  }

  async stop(): Promise<void> {
    await this.upstream.stop();
    await stopHealthy(this.daemon);
  }
}

/** What both sides saw of an exchange. */
export interface Exchanged {
  /** What the client received. */
  readonly received: string;
  /** What the upstream received. */
  readonly requests: readonly RawRequest[];
  /** The head of the first request, empty when none came. */
  readonly request: string;
  readonly body: string;
}

/** Bytes of a response without what differs from one run to the next. */
export function undated(response: string): string {
  return response.replaceAll(/Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/g, '');
}

/** A head: its lines, each ended by CRLF, and the empty line. */
export function head(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('') + '\r\n';
}

/** A response with a body of known length. */
export function response(body: string, ...lines: readonly string[]): string {
  return head(lines[0] ?? 'HTTP/1.1 200 OK', ...lines.slice(1), `Content-Length: ${body.length}`) + body;
}
