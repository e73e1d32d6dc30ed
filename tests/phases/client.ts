import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import { eventually } from '../testing/wait.ts';
import type { Protocol } from './upstream-server.ts';

/** What a client asks for. */
export interface Wish {
  readonly method?: string;
  readonly path?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Pieces of the body, each written by itself; left out for none. */
  readonly body?: readonly string[];
  readonly trailers?: Readonly<Record<string, string>>;
  /** More of the body is to come, and never does. */
  readonly unfinished?: true;
}

/** A request that is under way, and what has come of it so far. */
export class Asked {
  status = 0;
  fields: Readonly<Record<string, unknown>> = {};
  body = '';
  trailers: Readonly<Record<string, unknown>> = {};
  readonly interim: number[] = [];
  /** The response is over; `broken` when it was cut off, or when there was none. */
  over = false;
  broken = false;
  private readonly stop: () => void;
  /** Stops and goes on reading the body. */
  readonly pause: () => void;
  readonly resume: () => void;

  constructor(stop: () => void, pause: () => void, resume: () => void) {
    this.stop = stop;
    this.pause = pause;
    this.resume = resume;
  }

  /** The client goes away. */
  abort(): void {
    this.stop();
  }

  async done(): Promise<this> {
    await eventually('the end of a response', () => this.over);
    return this;
  }
}

/** A client of either protocol that is used in the same words. Each request has a connection of its own. */
export function ask(protocol: Protocol, port: number, wish: Wish = {}): Asked {
  return protocol === 'h2' ? askHttp2(port, wish) : askHttp1(port, wish);
}

/** The same, read to its end. */
export function fetched(protocol: Protocol, port: number, wish: Wish = {}): Promise<Asked> {
  return ask(protocol, port, wish).done();
}

function askHttp1(port: number, { method = 'GET', path = '/', fields = {}, body, trailers, unfinished }: Wish): Asked {
  const headers: Record<string, string> = { ...fields, connection: 'close' };
  if (trailers !== undefined) headers['transfer-encoding'] = 'chunked';
  const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent: false });
  let response: IncomingMessage | null = null;
  const asked = new Asked(
    // A client that only ends its side may still wait for its answer; a reset tells that it is gone.
    () => {
      request.socket?.resetAndDestroy();
      request.destroy();
    },
    () => response?.pause(),
    () => response?.resume(),
  );
  const fail = (): void => {
    asked.broken = true;
    asked.over = true;
  };
  request.on('error', fail);
  request.on('information', ({ statusCode }) => asked.interim.push(statusCode));
  request.on('response', (incoming) => {
    response = incoming;
    asked.status = incoming.statusCode ?? 0;
    asked.fields = incoming.headers;
    incoming.setEncoding('latin1');
    incoming.on('data', (text: string) => (asked.body += text));
    incoming.on('error', fail);
    incoming.on('close', () => {
      asked.trailers = incoming.trailers;
      asked.broken ||= !incoming.complete;
      asked.over = true;
    });
  });
  for (const piece of body ?? []) request.write(piece, 'latin1');
  if (trailers !== undefined) request.addTrailers(trailers);
  if (unfinished !== true) request.end();
  return asked;
}

function askHttp2(port: number, { method = 'GET', path = '/', fields = {}, body, trailers, unfinished }: Wish): Asked {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const stream = session.request(
    { ':method': method, ':path': path, ...fields },
    { endStream: body === undefined, waitForTrailers: trailers !== undefined },
  );
  const asked = new Asked(
    // `close` would end the request body first, as if it were complete.
    () => session.destroy(undefined, http2.constants.NGHTTP2_CANCEL),
    () => stream.pause(),
    () => stream.resume(),
  );
  stream.setEncoding('latin1');
  stream.on('headers', (head) => asked.interim.push(Number(head[':status'])));
  stream.on('response', (head) => {
    asked.status = Number(head[':status']);
    asked.fields = head;
  });
  stream.on('data', (text: string) => (asked.body += text));
  stream.on('trailers', (section) => (asked.trailers = section));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  stream.on('error', () => {});
  stream.on('close', () => {
    // RFC 9113 §8.1: a whole response may come with NO_ERROR, which tells the client to send no more.
    asked.broken = stream.rstCode !== 0 || asked.status === 0;
    asked.over = true;
    session.destroy();
  });
  if (body !== undefined) {
    for (const piece of body) stream.write(piece, 'latin1');
    if (unfinished !== true) stream.end();
  }
  return asked;
}
