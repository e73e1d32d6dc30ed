import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

import type { Pair } from './certificates.ts';
import { type DaemonOptions, TestDaemon, webConfig } from './daemon.ts';

/** What a TLS daemon of a test is made of. */
export interface TlsDaemonOptions extends DaemonOptions {
  /** By the base name of their files in the folder `certs`. */
  readonly pairs: Readonly<Record<string, Pair>>;
  readonly routes: readonly unknown[];
  /** Further keys of the service. */
  readonly service?: Readonly<Record<string, unknown>>;
}

/** The config of a service `web` with the certificates of the folder `certs`. */
export function tlsConfig(routes: readonly unknown[], service: Readonly<Record<string, unknown>> = {}): unknown {
  return webConfig(routes, { tls: true, tls_cert: 'certs', ...service });
}

/** Starts a daemon on the config of `tlsConfig`. */
export function startTls(options: TlsDaemonOptions): Promise<TestDaemon> {
  return TestDaemon.start(tlsConfig(options.routes, options.service), {
    ...options,
    async prepare(folder) {
      const { mkdir, writeFile } = await import('node:fs/promises');
      await mkdir(`${folder}/certs`);
      for (const [name, { cert, key }] of Object.entries(options.pairs)) {
        await writeFile(`${folder}/certs/${name}.crt`, cert);
        await writeFile(`${folder}/certs/${name}.key`, key);
      }
      return `${folder}/prox.json5`;
    },
  });
}

/** Runs a command and gives everything that it prints, and its exit code. */
export async function run(
  command: string,
  args: readonly string[],
  input = '',
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
  // A server that refuses closes before everything was taken.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** A request after which the server closes. */
export function lastRequest(host: string, path = '/'): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

/** A TLS connection of Node, its handshake over. @throws Error of the handshake */
export async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const place = options.socket === undefined ? { port, host: '127.0.0.1' } : {};
  const socket = connect({ ...place, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends text and gives everything that comes until the end. Fails when the connection breaks. */
export async function exchangeTls(port: number, text: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await connectTls(port, options);
  socket.setEncoding('latin1');
  let received = '';
  socket.on('data', (chunk: string) => (received += chunk));
  socket.write(text);
  await once(socket, 'end');
  socket.destroy();
  return received;
}
