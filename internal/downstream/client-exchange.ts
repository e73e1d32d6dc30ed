import { ProxyError } from '../base/index.ts';
import {
  BodyPipeline,
  type BodyStage,
  EffectiveRequest,
  type Exchange,
  type ExchangeHandler,
  FlushResult,
  ResponseHead,
  type RouteContext,
} from '../exchange/index.ts';
import type { AccessRecord } from '../logger/index.ts';
import { FieldId, type Fields, type Framing, isReasonPhrase, tellsLength } from '../message/index.ts';
import type { Throttle } from '../throttle/index.ts';
import { type ErrorAnswer, unansweredStatus } from './error-response.ts';
import { ReceivedRequest } from './received-request.ts';
import { ResponseWire, type WireOutput } from './response-wire.ts';
import type { SessionHost } from './session-host.ts';
import { SpeedLimitStage } from './speed-limit-stage.ts';

/**
 *     open ──respond──> body ──end──> over
 *       │                 └──fail──> over
 *       ├──respondTunnel──> body
 *       └──fail, drop──> over
 */
export const Writing = { open: 0, body: 1, over: 2 } as const;
export type Writing = (typeof Writing)[keyof typeof Writing];

/**
 * The part of an exchange that both protocols share: its states, the filters of its response, and the stages of its body.
 * Each protocol adds the writing.
 */
export abstract class ClientExchange extends ReceivedRequest implements Exchange, WireOutput {
  route: RouteContext;
  handler: ExchangeHandler | null = null;
  /** The protocol was switched: both bodies end with the connection. */
  tunnel = false;
  patient = false;
  status = 0;
  error: ProxyError | null = null;
  /** Null if no log takes the exchange. */
  record: AccessRecord | null = null;
  /** When the head was complete, as `performance.now()`; only with a record. */
  started = 0;
  slots: unknown[] | null = null;
  effective: EffectiveRequest | null = null;
  protected writing: Writing = Writing.open;
  /** The stages of the response body; null while it has none. */
  private pipeline: BodyPipeline | null = null;
  /** Null without a limit on the speed of the response. */
  private throttle: Throttle | null = null;

  constructor(service: SessionHost, fields: Fields) {
    super(service, fields);
    this.route = service.unrouted;
  }

  // ── the part of the protocol ─────────────────────────────────────────────────────────────────────────────────

  abstract readonly bytesOut: number;
  abstract resumeRequest(): void;
  abstract pauseRequest(): void;
  abstract inform(status: number, reason: string, fields: Fields): void;
  abstract respondTunnel(status: number, reason: string, fields: Fields): void;
  abstract guard(action: () => void): void;
  /** @internal Writes the head of the final response. */
  protected abstract sendHead(status: number, reason: string, fields: Fields, framing: Framing): void;
  abstract sendBody(buffer: Buffer, start: number, end: number): void;
  abstract sendFlush(): FlushResult;
  abstract sendEnd(trailers: Fields | null): FlushResult;
  /** The answer to an error that ends the exchange before another answer. */
  protected abstract errorAnswer(error: ProxyError): ErrorAnswer;
  /** Nothing more is sent, and the client must notice. */
  protected abstract cutOff(error: ProxyError): void;
  /** The client has left, or prox has given it up: nothing more is sent. */
  protected abstract abandon(error: ProxyError): void;

  // ── Exchange ─────────────────────────────────────────────────────────────────────────────────────────────────

  get responded(): boolean {
    return this.writing !== Writing.open;
  }

  /** True when nothing more can be done in this exchange. */
  get over(): boolean {
    return this.writing === Writing.over;
  }

  editRequest(): EffectiveRequest {
    return (this.effective ??= new EffectiveRequest(this));
  }

  respond(
    status: number,
    reason: string,
    fields: Fields,
    framing: Framing,
    stages: readonly BodyStage[] | null = null,
  ): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    const filters = this.route.filters;
    if (stages !== null || this.throttle !== null || (filters !== null && filters.onResponse !== null)) {
      const head = new ResponseHead(status, reason, fields, framing, this.method === 'HEAD');
      for (const stage of stages ?? []) {
        if (head.hasBody) head.addStage(() => stage);
        else stage.close();
      }
      return this.respondInStages(head);
    }
    this.begin(status, reason, fields, framing);
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (this.writing !== Writing.body || start === end) return;
    if (this.pipeline === null) this.sendBody(buffer, start, end);
    else this.pipeline.write(buffer, start, end);
  }

  flush(): FlushResult {
    return this.pipeline === null || this.over ? this.sendFlush() : this.pipeline.flush();
  }

  end(trailers: Fields | null): FlushResult {
    if (this.writing !== Writing.body) return FlushResult.taken;
    return this.pipeline === null ? this.sendEnd(trailers) : this.pipeline.end(trailers);
  }

  fail(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.service.exchangeFailed(this, error);
    if (this.responded || error.status === 0) {
      if (!this.responded) this.status = unansweredStatus(error);
      return this.cutOff(error);
    }
    const { status, reason, fields, body } = this.errorAnswer(error);
    this.respond(status, reason, fields, body.length);
    this.write(body, 0, body.length);
    this.end(null);
  }

  drop(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.cutOff(error);
  }

  // ── for the session ──────────────────────────────────────────────────────────────────────────────────────────

  /** Limits the speed of the response. Called before it begins. */
  limit(throttle: Throttle): void {
    this.throttle = throttle;
  }

  /** @internal The client has taken the pending bytes. */
  onDrain(): void {
    if (this.over) return;
    if (this.pipeline === null) this.handler?.onDrain();
    else this.pipeline.onDrain();
  }

  /** The client has left, or prox has given it up: tells the handler, which must not answer any more. */
  abort(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    if (!this.responded) this.status = unansweredStatus(error);
    this.service.exchangeFailed(this, error);
    this.abandon(error);
    this.dismiss(error);
  }

  /** Tells the handler why the exchange needs it no more, and detaches it. */
  dismiss(error: ProxyError): void {
    const { handler } = this;
    this.handler = null;
    handler?.onAbort(error);
  }

  /** The exchange cannot be completed: tells the handler; the client gets an error, or its connection or stream is cut. */
  giveUp(error: ProxyError): void {
    this.dismiss(error);
    this.fail(error);
  }

  /** The protocol was switched: the speed limit holds for the bytes of the tunnel, too. */
  protected limitTunnel(): void {
    if (this.throttle !== null) this.sendThrough([new SpeedLimitStage(this.throttle)]);
  }

  private sendThrough(stages: readonly BodyStage[]): void {
    const wire = new ResponseWire(this);
    this.pipeline = new BodyPipeline(stages, wire, wire);
  }

  /** Ends the exchange towards the client, complete or not. */
  protected close(): void {
    this.writing = Writing.over;
    this.pipeline?.close();
    this.effective?.closeStages();
  }

  /** Sends the head of the response. */
  private begin(status: number, reason: string, fields: Fields, framing: Framing): void {
    this.status = status;
    this.writing = Writing.body;
    if (fields.edited && fields.holds(FieldId.contentLength)) this.checkLength(status, fields, framing);
    this.sendHead(status, reason, fields, framing);
  }

  /** Checks that the Content-Length of filters and actions agrees with the framing: with two lengths recipients disagree about the end. */
  private checkLength(status: number, fields: Fields, framing: Framing): void {
    const empty = this.method === 'HEAD' || status === 304;
    if (!tellsLength(fields, empty ? null : framing)) fields.remove('content-length');
  }

  /** Lets the filters change the head, and connects their stages and that of the speed limit. */
  private respondInStages(head: ResponseHead): void {
    try {
      for (const filter of this.route.filters?.onResponse ?? []) filter.onResponse(this, head);
      if (!isReasonPhrase(head.reason)) throw new TypeError(`not a reason phrase: ${JSON.stringify(head.reason)}`);
    } catch (thrown) {
      head.closeStages();
      return this.filterFailed(ProxyError.from(thrown));
    }
    const { throttle } = this;
    // Behind all others, as it limits the bytes that the client gets.
    if (throttle !== null) head.addStage(() => new SpeedLimitStage(throttle));
    if (head.stages !== null) this.sendThrough(head.stages);
    this.begin(head.status, head.reason, head.fields, head.framing);
  }

  /** A filter threw: the error is answered without filters, as this one would throw again. */
  private filterFailed(error: ProxyError): void {
    this.dismiss(error);
    this.error = error;
    this.service.exchangeFailed(this, error);
    const { status, reason, fields, body } = this.errorAnswer(error);
    this.begin(status, reason, fields, body.length);
    this.sendBody(body, 0, body.length);
    this.sendEnd(null);
  }
}
