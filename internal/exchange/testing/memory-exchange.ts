import type { ProxyError } from '../../base/index.ts';
import { Fields, type Framing } from '../../message/index.ts';
import { EffectiveRequest } from '../effective-request.ts';
import type { Exchange, ExchangeHandler, RouteContext } from '../exchange.ts';
import { FlushResult } from '../flush-result.ts';

/** The parts of the request that a test sets; all others have a default. */
export interface MemoryRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly authority?: string;
  readonly host?: string;
  readonly fields?: Readonly<Record<string, string>> | Fields;
  readonly requestFraming?: Framing;
  readonly route?: Partial<RouteContext>;
  readonly clientCertificate?: Exchange['clientCertificate'];
  readonly secure?: boolean;
  readonly trusted?: boolean;
  readonly originAddress?: string;
  readonly acceptsTrailers?: boolean;
  /** Gives the result of each flush, counted from 0. Left out, every flush returns `taken`. */
  readonly onFlush?: (count: number) => FlushResult;
}

/**
 * An Exchange without a session, as strict as a session may be: each breach of the contract is recorded in `violations`
 * and thrown. Borrowed bytes are copied only when a flush returns `taken`, so a buffer that is reused too early spoils
 * `body`.
 */
export class MemoryExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly forwardPath: string;
  readonly query: string;
  readonly authority: string;
  readonly host: string;
  readonly protocol = 'HTTP/1.1';
  readonly requestFields: Fields;
  readonly requestFraming: Framing;
  readonly expectsContinue = false;
  readonly upgrade = null;
  readonly acceptsTrailers: boolean;
  readonly clientAddress = '127.0.0.1';
  readonly clientPort = 50_000;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 8080;
  readonly originAddress: string;
  readonly secure: boolean;
  readonly clientCertificate: Exchange['clientCertificate'];
  readonly trusted: boolean;
  readonly route: RouteContext;
  readonly record = null;
  handler: ExchangeHandler | null = null;
  patient = false;
  slots: unknown[] | null = null;
  effective: EffectiveRequest | null = null;

  /** The calls in order: `respond 200`, `write 5`, `flush`, `end`, `fail not_found`, `drop dropped`. */
  readonly events: string[] = [];
  readonly violations: string[] = [];
  status = 0;
  reason = '';
  framing: Framing = 0;
  responseFields = new Fields();
  error: ProxyError | null = null;
  /** Resolves when the exchange has ended, failed, or was dropped or aborted. */
  readonly done: Promise<void>;
  #finish!: () => void;
  #over = false;
  /** The body so far: copies of taken bytes, and the borrowed memory itself of bytes that were not taken. */
  #sent: Buffer[] = [];
  /** Bytes that were given since the last flush. */
  #given: Buffer[] = [];
  #bytes = 0;
  #flushes = 0;
  #waiting = false;
  #onFlush: (count: number) => FlushResult;
  #watchers: (() => void)[] = [];

  constructor(request: MemoryRequest = {}) {
    this.secure = request.secure ?? false;
    this.trusted = request.trusted ?? false;
    this.originAddress = request.originAddress ?? '127.0.0.1';
    this.clientCertificate = request.clientCertificate ?? null;
    this.method = request.method ?? 'GET';
    this.path = this.forwardPath = request.path ?? '/';
    this.query = request.query ?? '';
    this.authority = request.authority ?? 'example.com:8080';
    this.host = request.host ?? this.authority.replace(/:\d+$/, '').toLowerCase();
    const { fields = {} } = request;
    this.requestFields = fields instanceof Fields ? fields : Fields.of(Object.entries(fields));
    this.acceptsTrailers = request.acceptsTrailers ?? false;
    this.requestFraming = request.requestFraming ?? 0;
    this.route = { ...EMPTY_ROUTE, ...request.route };
    this.#onFlush = request.onFlush ?? (() => FlushResult.taken);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get responded(): boolean {
    return this.status !== 0;
  }

  /** The body as the client gets it. Bytes that no flush has returned `taken` for are read only now. */
  get body(): Buffer {
    return Buffer.concat([...this.#sent, ...this.#given]);
  }

  /** The response field of that name, or null. */
  field(name: string): string | null {
    return this.responseFields.get(name);
  }

  /** True while the handler has to wait for `drain`. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Resolves when the handler has to wait for `drain`, or the exchange is over. */
  blocked(): Promise<void> {
    if (this.#waiting || this.#over) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** The client has room again. */
  drain(): void {
    this.#waiting = false;
    this.handler?.onDrain();
  }

  /** The client leaves. */
  abort(error: ProxyError): void {
    this.#close('abort', error);
    this.handler?.onAbort(error);
  }

  editRequest(): EffectiveRequest {
    return (this.effective ??= new EffectiveRequest(this));
  }

  guard(action: () => void): void {
    action();
  }

  resumeRequest(): void {
    this.events.push('resumeRequest');
  }

  pauseRequest(): void {
    this.events.push('pauseRequest');
  }

  inform(status: number): void {
    this.events.push(`inform ${status}`);
  }

  respond(status: number, reason: string, fields: Fields, framing: Framing): void {
    this.#expect(!this.#over, 'respond after the end');
    this.#expect(!this.responded, 'respond twice');
    this.events.push(`respond ${status}`);
    this.status = status;
    this.reason = reason;
    this.responseFields = fields;
    this.framing = framing;
  }

  respondTunnel(): void {
    this.#violate('respondTunnel is no matter of these actions');
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.#expect(!this.#over, 'write after the end');
    this.#expect(!this.#waiting, 'write before onDrain');
    this.#expect(this.responded, 'write before respond');
    this.#expect(start < end && end <= buffer.length, `write of ${start} to ${end} of ${buffer.length} bytes`);
    this.events.push(`write ${end - start}`);
    this.#bytes += end - start;
    this.#expect(this.framing < 0 || this.#bytes <= this.framing, 'more bytes than promised');
    this.#given.push(buffer.subarray(start, end));
  }

  flush(): FlushResult {
    this.#expect(!this.#over, 'flush after the end');
    this.events.push('flush');
    const result = this.#flush();
    if (result === FlushResult.full) this.#wait();
    return result;
  }

  end(trailers: Fields | null): FlushResult {
    this.#expect(trailers === null, 'trailers are no matter of these actions');
    this.#expect(this.responded, 'end before respond');
    const bare = this.method === 'HEAD' || this.status === 204 || this.status === 304;
    const due = bare ? 0 : this.framing;
    this.#expect(due < 0 || this.#bytes === due, `${this.#bytes} of ${due} bytes were given`);
    const result = this.#flush();
    this.#close('end', null);
    return result;
  }

  fail(error: ProxyError): void {
    this.#close(`fail ${error.code}`, error);
    if (!this.responded) this.status = error.status;
  }

  drop(error: ProxyError): void {
    this.#close(`drop ${error.code}`, error);
  }

  #close(event: string, error: ProxyError | null): void {
    this.#expect(!this.#over, `${event} after the end`);
    this.events.push(event);
    this.error = error;
    this.#over = true;
    this.#finish();
    this.#notify();
  }

  #wait(): void {
    this.#waiting = true;
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  #flush(): FlushResult {
    const result = this.#onFlush(this.#flushes++);
    for (const bytes of this.#given.splice(0)) {
      this.#sent.push(result === FlushResult.taken ? Buffer.from(bytes) : bytes);
    }
    return result;
  }

  #expect(condition: boolean, breach: string): void {
    if (!condition) this.#violate(breach);
  }

  #violate(breach: string): never {
    this.violations.push(breach);
    throw new Error(`breach of the contract of Exchange: ${breach}`);
  }
}

const EMPTY_ROUTE: RouteContext = {
  id: 'test:0',
  domainPattern: '',
  pathPatterns: [],
  captures: () => ({ domain: '', glob: '' }),
  matchedPath: () => '',
  action: { handle: () => {} },
  filters: null,
  speed: null,
};
