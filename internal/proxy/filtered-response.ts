import type { ProxyError } from '../base/index.ts';
import {
  type Action,
  type BodySink,
  type Exchange,
  type FilterChain,
  FlushResult,
  type PhaseOwner,
  type ResponseDecision,
  type ResponseHead,
  RETRY,
  runPhase,
} from '../exchange/index.ts';
import type { Fields } from '../message/index.ts';

/** Carries out the decisions of the filters about a response. */
export interface ResponseJudge extends PhaseOwner {
  /** The filters wait: pauses the response. */
  hold(): void;
  /** The response goes to the client: the request cannot be sent again from here on. */
  accept(): void;
  /** The held bytes have been passed on. @param flushed the result of the exchange's flush */
  released(flushed: FlushResult): void;
  /** Sends the request again. @returns false if no attempt is left */
  tryAgain(): boolean;
  /** Another action answers instead. */
  replaceBy(action: Action): void;
  /** A filter failed. */
  failed(error: ProxyError): void;
}

/**
 * The response of an upstream, between its head and the decision of the filters of onUpstreamResponse. While they wait, the
 * upstream is paused, and this object holds the bytes that had already arrived: at most those of one read.
 *
 *     deciding ──go on──────────> passed ──> all further bytes go straight to the exchange
 *         └──retry, replaced────> dropped ─> all further bytes are discarded
 */
export class FilteredResponse implements BodySink {
  private readonly head: ResponseHead;
  private readonly exchange: Exchange;
  private readonly judge: ResponseJudge;
  private state: 'deciding' | 'passed' | 'dropped' = 'deciding';
  private parts: Buffer[] = [];
  /** Set if the end of the response has arrived while the filters wait. */
  private ended: { readonly trailers: Fields | null } | null = null;
  private waited = false;

  constructor(head: ResponseHead, exchange: Exchange, judge: ResponseJudge) {
    this.head = head;
    this.exchange = exchange;
    this.judge = judge;
  }

  /** The filters wait. */
  get holding(): boolean {
    return this.state === 'deciding';
  }

  decide(filters: NonNullable<FilterChain['onUpstreamResponse']>): void {
    const { exchange, head, judge } = this;
    runPhase(
      filters,
      judge,
      (filter) => filter.onUpstreamResponse(exchange, head),
      (decision) => this.decided(decision),
      (error) => judge.failed(error),
    );
    if (!this.holding) return;
    this.waited = true;
    judge.hold();
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (this.state === 'passed') this.exchange.write(buffer, start, end);
    else if (this.holding) this.parts.push(Buffer.from(buffer.subarray(start, end)));
  }

  flush(): FlushResult {
    return this.state === 'passed' ? this.exchange.flush() : FlushResult.taken;
  }

  end(trailers: Fields | null): FlushResult {
    if (this.state === 'passed') return this.exchange.end(trailers);
    // The trailers stand in memory that the upstream connection uses again.
    this.ended = { trailers: trailers === null ? null : trailers.copy() };
    return FlushResult.taken;
  }

  /** The response is not needed any more. */
  drop(): void {
    if (this.holding) this.head.closeStages();
    this.state = 'dropped';
    this.parts = [];
  }

  private decided(decision: ResponseDecision): void {
    if (decision === null) return this.pass();
    if (decision !== RETRY) {
      this.drop();
      return this.judge.replaceBy(decision);
    }
    this.state = 'dropped';
    if (this.judge.tryAgain()) this.head.closeStages();
    else this.pass();
  }

  private pass(): void {
    const { exchange, head, judge } = this;
    this.state = 'passed';
    judge.accept();
    exchange.respond(head.status, head.reason, head.fields, head.framing, head.stages);
    if (!this.waited) return;
    for (const part of this.parts.splice(0)) exchange.write(part, 0, part.length);
    if (this.ended !== null) exchange.end(this.ended.trailers);
    else judge.released(exchange.flush());
  }
}
