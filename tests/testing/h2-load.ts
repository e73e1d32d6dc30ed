import http2, { type ClientHttp2Session, constants } from 'node:http2';

/** How a request ended: `refused` says for certain that it was not looked at, so that it may be sent again. */
type Ending = 'answered' | 'refused' | 'failed';

/** A connection, and what its server has said of its end. */
class Link {
  readonly session: ClientHttp2Session;
  /** Streams above it were not looked at. */
  private last = Infinity;
  private error = '';

  constructor(port: number) {
    this.session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    this.session.on('goaway', (_code, last) => (this.last = last));
    this.session.on('error', (error) => (this.error = error.message));
  }

  /** Whether another request may be sent on it. */
  get open(): boolean {
    return !this.session.closed && !this.session.destroyed && this.last === Infinity;
  }

  get(): Promise<{ ending: Ending; what: string }> {
    return new Promise((resolve) => {
      const stream = this.session.request({ ':path': '/' });
      let status: number | undefined;
      let ended = false;
      stream.on('response', (head) => (status = head[':status']));
      stream.on('end', () => (ended = true));
      stream.on('error', () => {});
      stream.resume();
      stream.on('close', () => {
        const { id, rstCode } = stream;
        if (status === 200 && ended && rstCode === 0) resolve({ ending: 'answered', what: '' });
        else if (status === undefined && this.refused(id, rstCode)) resolve({ ending: 'refused', what: '' });
        else resolve({ ending: 'failed', what: `stream ${id}: ${status} ${rstCode} last ${this.last} ${this.error}` });
      });
    });
  }

  private refused(id: number | undefined, code: number | undefined): boolean {
    // One that was never sent has no number.
    if (id === undefined) return this.last !== Infinity;
    return id > this.last || code === constants.NGHTTP2_REFUSED_STREAM;
  }
}

/**
 * Clients on HTTP/2 over TLS, each with several requests at the same time on one connection. A request that the server
 * has refused, or left out of the last of its GOAWAY, is sent again on another connection (RFC 9113 §6.8).
 */
export class H2Load {
  answered = 0;
  /** Requests that were sent again. */
  again = 0;
  readonly failures: string[] = [];
  private stopping = false;
  private readonly port: number;
  private readonly done: Promise<unknown>;

  constructor(port: number, clients: number, streams: number) {
    this.port = port;
    this.done = Promise.all(Array.from({ length: clients }, () => this.client(streams)));
  }

  async stop(): Promise<this> {
    this.stopping = true;
    await this.done;
    return this;
  }

  private async client(streams: number): Promise<void> {
    let link = new Link(this.port);
    const worker = async (): Promise<void> => {
      while (!this.stopping) {
        if (!link.open) link = new Link(this.port);
        const { ending, what } = await link.get();
        if (ending === 'answered') this.answered++;
        else if (ending === 'refused') this.again++;
        else this.failures.push(what);
      }
    };
    await Promise.all(Array.from({ length: streams }, worker));
    link.session.close();
  }
}
