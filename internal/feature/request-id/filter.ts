import {
  type EffectiveRequest,
  type Exchange,
  type Filter,
  givenRequestId,
  type ResponseHead,
  setRequestId,
} from '../../exchange/index.ts';
import type { RequestIdConfig } from './build.ts';
import { makeNanoid, makeUuid } from './make-id.ts';

/** The form of an id that prox accepts from a trusted peer. It is safe in a log line, a URL and a file name. */
const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

/** W3C Trace Context §3.2: the version ff, and a trace id or parent id of zeros are not valid. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/** Gives every request an id, and every response the id of its request. */
export class RequestIdFilter implements Filter {
  private readonly source: IdSource;
  private readonly headerName: string;

  constructor(config: RequestIdConfig) {
    this.source = new IdSource(config);
    this.headerName = config.headerName;
  }

  onRequest(exchange: Exchange): null {
    const id = this.source.idOf(exchange);
    exchange.editRequest().requestFields.set(this.headerName, id);
    return null;
  }

  /** Requests that failed before `onRequest`, or that another plugin answered, get their id here. */
  onResponse(exchange: Exchange, response: ResponseHead): void {
    response.fields.set(this.headerName, this.source.idOf(exchange));
  }
}

/** Gives an id to requests that are sent to an upstream, and to their responses. */
export class UpstreamRequestIdFilter implements Filter {
  private readonly source: IdSource;
  private readonly headerName: string;

  constructor(config: RequestIdConfig) {
    this.source = new IdSource(config);
    this.headerName = config.headerName;
  }

  /** Each attempt has the same id. */
  onUpstreamRequest(exchange: Exchange, attempt: EffectiveRequest): null {
    attempt.requestFields.set(this.headerName, this.source.idOf(exchange));
    return null;
  }

  onResponse(exchange: Exchange, response: ResponseHead): void {
    const id = givenRequestId(exchange);
    if (id !== undefined) response.fields.set(this.headerName, id);
  }
}

/** Finds or makes the id of a request. */
class IdSource {
  private readonly config: RequestIdConfig;

  constructor(config: RequestIdConfig) {
    this.config = config;
  }

  /** The id that the request has, else one that a trusted peer has sent, else a new one. */
  idOf(exchange: Exchange): string {
    const given = givenRequestId(exchange);
    if (given !== undefined) return given;
    const id = (exchange.trusted ? this.received(exchange) : null) ?? this.make();
    setRequestId(exchange, id);
    return id;
  }

  private received({ requestFields }: Exchange): string | null {
    const sent = requestFields.get(this.config.headerName);
    if (sent !== null && ACCEPTED.test(sent)) return sent;
    const trace = this.config.traceparent ? requestFields.get('traceparent') : null;
    return trace === null ? null : (TRACEPARENT.exec(trace)?.[1] ?? null);
  }

  private make(): string {
    return this.config.algorithm === 'nanoid' ? makeNanoid(this.config.size) : makeUuid(Date.now());
  }
}
