import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { eventually } from './wait.ts';

/** What a client has got on a stream. */
export interface H2Answer {
  /** 0 when no head came. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>> | null;
  /** Statuses of the interim heads. */
  readonly interim: readonly number[];
  /** What the stream was reset with; 0 when it ended as it should. */
  readonly code: number;
}

/** A client on node:http2: one connection. */
export class H2Client {
  readonly session: ClientHttp2Session;
  readonly goaways: number[] = [];
  closed = false;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on('goaway', (code) => this.goaways.push(code));
    session.on('error', () => {});
    session.on('close', () => (this.closed = true));
  }

  /** With prior knowledge, or over TLS where any certificate is taken. */
  static async connect(url: string, options: http2.SecureClientSessionOptions = {}): Promise<H2Client> {
    const session = http2.connect(url, { rejectUnauthorized: false, ...options });
    const client = new H2Client(session);
    await once(session, 'remoteSettings');
    return client;
  }

  /** Opens a stream whose response is ignored. */
  open(headers: OutgoingHttpHeaders, end = false): ClientHttp2Stream {
    const stream = this.session.request(headers, { endStream: end });
    stream.on('error', () => {});
    return stream;
  }

  /** Sends a request and reads the answer. */
  async send(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<H2Answer> {
    const stream = this.open(headers, body === undefined);
    if (body !== undefined) stream.end(body);
    return answerOf(stream);
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<H2Answer> {
    return this.send({ ':path': path, ...headers });
  }

  /** Waits until the connection is closed. */
  async gone(): Promise<void> {
    await eventually('the connection to close', () => this.closed);
  }

  destroy(): void {
    this.session.destroy();
  }

  /** The socket beneath, to be looked at. */
  get socket(): Pick<Socket, 'localPort' | 'bytesRead'> {
    return this.session.socket;
  }
}

/** Reads what comes on a stream, to its end. */
export async function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  let headers: H2Answer['headers'] = {};
  let trailers: H2Answer['trailers'] = null;
  let body = '';
  const interim: number[] = [];
  stream.setEncoding('latin1');
  stream.on('headers', (head) => interim.push(Number(head[':status'])));
  stream.on('response', (head) => (headers = head));
  stream.on('trailers', (section) => (trailers = section));
  stream.on('data', (chunk: string) => (body += chunk));
  stream.on('error', () => {});
  if (!stream.destroyed) await once(stream, 'close').catch(() => {});
  return { status: Number(headers[':status'] ?? 0), headers, body, trailers, interim, code: stream.rstCode ?? 0 };
}
