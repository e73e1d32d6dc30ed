import type { MemoryClient } from '../../transport/testing/memory-client.ts';
import { Http1Session } from '../http1/http1-session.ts';
import { MemoryHost, type MemoryService, MemorySlot } from './memory-host.ts';

/** A client of a session, with the host and the slot of the session. */
export interface Http1Client {
  readonly host: MemoryHost;
  readonly slot: MemorySlot;
  readonly client: MemoryClient;
}

/** A client of a session; its requests are answered by the test unless the service has an action. */
export function connect(service: MemoryService = {}, wireBytes?: number): Http1Client {
  const host = new MemoryHost(service);
  const slot = new MemorySlot(host);
  const client = slot.connect((connection) => new Http1Session(connection, slot, false), { wireBytes });
  return { host, slot, client };
}

/** A head with a Host. */
export function head(line: string, ...fields: string[]): string {
  return `${[line, 'Host: a.test', ...fields].join('\r\n')}\r\n\r\n`;
}

/** The head of a GET. */
export const get = (path: string, ...fields: string[]): string => head(`GET ${path} HTTP/1.1`, ...fields);
/** The head of a POST. */
export const post = (path: string, ...fields: string[]): string => head(`POST ${path} HTTP/1.1`, ...fields);

/** The bodies of responses with a Content-Length. */
export function bodies(received: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < received.length;) {
    const end = received.indexOf('\r\n\r\n', at) + 4;
    const length = Number(/content-length: (\d+)/i.exec(received.slice(at, end))?.[1]);
    found.push(received.slice(end, end + length));
    at = end + length;
  }
  return found;
}

/** The status of the first response. */
export const statusOf = (received: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1]);
/** The error code in the last response. */
export const codeOf = (received: string): string => /\((\w+)\)\n$/.exec(received)?.[1] ?? '';
