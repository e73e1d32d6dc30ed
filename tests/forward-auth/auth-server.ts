import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request that the auth server got. */
export interface AuthRequest {
  readonly method: string;
  readonly url: string;
  readonly fields: IncomingHttpHeaders;
  /** The request or its connection was given up before the answer was complete. */
  abandoned: boolean;
}

/**
 * A real auth server with sessions, as those for auth_request of nginx behave: who has a session passes, browsers are
 * sent to a page to log in, and programs get a 401.
 */
export class AuthServer {
  readonly asked: AuthRequest[] = [];
  /** How requests are answered; by sessions unless a test says otherwise. */
  answer = (request: IncomingMessage, response: ServerResponse): void => this.bySession(request, response);
  readonly sockets = new Set<Socket>();
  private readonly sessions = new Map<string, string>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => this.take(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** @param port another than any, to come back where one has stopped */
  static async start(port = 0): Promise<AuthServer> {
    const auth = new AuthServer();
    auth.server.listen(port, '127.0.0.1');
    await once(auth.server, 'listening');
    return auth;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/verify`;
  }

  /** Begins a session. @returns the cookie of it */
  login(user: string): string {
    const session = randomUUID();
    this.sessions.set(session, user);
    return `session=${session}`;
  }

  logout(cookie: string): void {
    this.sessions.delete(cookie.replace('session=', ''));
  }

  /** Between two tests. */
  reset(): void {
    this.asked.length = 0;
    this.answer = (request, response) => this.bySession(request, response);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const asked: AuthRequest = { method, url, fields: headers, abandoned: false };
    this.asked.push(asked);
    response.on('close', () => (asked.abandoned = !response.writableFinished));
    response.on('error', () => {});
    this.answer(request, response);
  }

  private bySession({ headers }: IncomingMessage, response: ServerResponse): void {
    const session = /(?:^|; )session=([^;]+)/.exec(headers.cookie ?? '')?.[1] ?? '';
    const user = this.sessions.get(session);
    if (user !== undefined) {
      response.setHeader('X-User', user);
      response.setHeader('Set-Cookie', [`session=${session}; HttpOnly`, 'seen=1']);
      response.end('welcome');
    } else if (headers.accept?.includes('text/html') === true) {
      const told = (name: string): string => String(headers[`x-forwarded-${name}`]);
      const back = `${told('proto')}://${told('host')}${told('uri')}`;
      response.writeHead(302, { Location: `https://login.example/?back=${encodeURIComponent(back)}` });
      response.end('<a href="https://login.example/">log in</a>');
    } else {
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer', 'Content-Type': 'application/json' });
      response.end('{"error":"no session"}');
    }
  }
}
