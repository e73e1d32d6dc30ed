import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How the clients of a load send their requests. */
export interface LoadOptions {
  /** Clients at the same time. */
  readonly clients: number;
  /** `keep-alive`: one request after another; `new`: a connection for each; `pipelined`: DEPTH at once on one. */
  readonly mode: 'keep-alive' | 'new' | 'pipelined';
  readonly path?: string;
  /** Whether to speak TLS; any certificate is taken. */
  readonly tls?: boolean;
  /** Whether an answer is right; by default one with status 200. */
  readonly accepts?: (head: string, body: string) => boolean;
}

/** A request that failed, and the port of its client's end; 0 when the client never got one. */
export interface Failure {
  readonly port: number;
  readonly what: string;
}

/** Requests that a pipelining client has under way. */
const DEPTH = 8;

/**
 * Clients that send requests until they are told to stop, and count what became of each: answered as it should be, or
 * failed (a wrong answer, or a connection that was refused, cut or closed with a request under way).
 */
export class Load {
  answered = 0;
  readonly failed: Failure[] = [];
  /** Milliseconds from request to answer, the longest so far. */
  longest = 0;
  /** Connections opened. */
  connections = 0;
  private stopping = false;
  private readonly port: number;
  private readonly options: LoadOptions;
  private readonly done: Promise<unknown>;

  constructor(port: number, options: LoadOptions) {
    this.port = port;
    this.options = options;
    this.done = Promise.all(Array.from({ length: options.clients }, () => this.client()));
  }

  /** What went wrong, without whose connection it was. */
  get failures(): string[] {
    return this.failed.map(({ what }) => what);
  }

  /** Lets every request that is under way be answered, and resolves. */
  async stop(): Promise<this> {
    this.stopping = true;
    await this.done;
    return this;
  }

  private async client(): Promise<void> {
    while (!this.stopping) {
      this.connections++;
      await new Promise<void>((resolve) => this.session(resolve));
    }
  }

  private session(resolve: () => void): void {
    const { mode, path = '/', accepts = isOk } = this.options;
    const place = { port: this.port, host: '127.0.0.1', noDelay: true };
    const tls = this.options.tls === true;
    const socket: Socket = tls ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
    const close = mode === 'new' ? 'Connection: close\r\n' : '';
    const request = `GET ${path} HTTP/1.1\r\nHost: load.test\r\n${close}\r\n`;
    const sent: number[] = [];
    let buffer = '';
    let port = 0;
    const fail = (what: string): void => {
      this.failed.push({ port, what });
    };
    const send = (): void => {
      sent.push(performance.now());
      socket.write(request);
    };
    const take = (): void => {
      for (let response = cut(buffer); response !== null; response = cut(buffer)) {
        buffer = buffer.slice(response.length);
        this.longest = Math.max(this.longest, performance.now() - (sent.shift() ?? 0));
        if (accepts(response.head, response.body)) this.answered++;
        else fail(`answer: ${response.head}`);
        if (mode === 'new') continue;
        // The server goes on with the next connection: RFC 9112 §9.6.
        if (/^connection: close$/im.test(response.head)) socket.end();
        else if (!this.stopping) send();
        else if (sent.length === 0) socket.end();
      }
    };
    socket.setEncoding('latin1');
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      port = socket.localPort as number;
      for (let i = 0; i < (mode === 'pipelined' ? DEPTH : 1); i++) send();
    });
    socket.on('data', (chunk: string) => {
      buffer += chunk;
      take();
    });
    socket.on('error', (error) => fail(`connection: ${error.message}`));
    socket.on('close', (broken) => {
      if (!broken && sent.length > 0) fail(`closed with ${sent.length} requests under way`);
      resolve();
    });
  }
}

function isOk(head: string): boolean {
  return head.startsWith('HTTP/1.1 200 ');
}

/** The first response of what was received; null until it is complete. */
function cut(buffer: string): { head: string; body: string; length: number } | null {
  const end = buffer.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = buffer.slice(0, end);
  const length = end + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? NaN);
  if (Number.isNaN(length)) throw new Error(`a response without Content-Length: ${head}`);
  return buffer.length < length ? null : { head, body: buffer.slice(end + 4, length), length };
}
