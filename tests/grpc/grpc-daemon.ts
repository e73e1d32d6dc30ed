import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { pairFor } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { assertNoFaults } from '../testing/health.ts';
import { EchoClient, EchoServer } from './echo-service.ts';

/** How both sides of prox are connected. */
export const KINDS = ['cleartext', 'TLS'] as const;
export type Kind = (typeof KINDS)[number];

/** A daemon between gRPC clients and the echo server, HTTP/2 on both sides. */
export class GrpcDaemon {
  readonly server: EchoServer;
  readonly daemon: TestDaemon;
  readonly kind: Kind;
  /** PEM of the certificate; null without TLS. */
  private readonly ca: string | null;
  private readonly clients: EchoClient[] = [];
  /** Supervisors that restarts have started. */
  readonly generations: number[] = [];

  private constructor(server: EchoServer, daemon: TestDaemon, kind: Kind, ca: string | null) {
    this.server = server;
    this.daemon = daemon;
    this.kind = kind;
    this.ca = ca;
  }

  static async start(kind: Kind): Promise<GrpcDaemon> {
    const pair = pairFor('localhost');
    const server = await EchoServer.start(kind === 'TLS' ? pair : null);
    const daemon = await TestDaemon.start(configOf(kind, actionTo(kind, server)), {
      prepare: async (folder) => {
        await writeFile(join(folder, 'cert.pem'), pair.cert);
        await writeFile(join(folder, 'key.pem'), pair.key);
        return join(folder, 'prox.json5');
      },
    });
    return new GrpcDaemon(server, daemon, kind, kind === 'TLS' ? pair.cert : null);
  }

  /** A client with a connection of its own. */
  connect(): EchoClient {
    const client = new EchoClient(this.daemon.port(), this.ca);
    this.clients.push(client);
    return client;
  }

  /** Brings another action in force. @returns whether it is */
  reload(action: unknown): Promise<boolean> {
    return this.daemon.reload(configOf(this.kind, action));
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    this.server.stop();
    await this.daemon.stop(this.generations);
    assertNoFaults(this.daemon);
  }
}

function actionTo(kind: Kind, server: EchoServer): unknown {
  const upstream = `127.0.0.1:${server.port}`;
  if (kind === 'cleartext') return { type: 'proxy', upstream: `http://${upstream}`, proto: 'h2' };
  return {
    type: 'proxy',
    upstream: `https://${upstream}`,
    upstream_tls: { ca: './cert.pem', server_name: 'localhost' },
  };
}

function configOf(kind: Kind, action: unknown): unknown {
  const tls = kind === 'TLS' ? { tls: true, tls_cert: './cert.pem', tls_key: './key.pem' } : {};
  return { services: { web: { listen: '127.0.0.1:0', ...tls, routes: [{ action }] } } };
}
