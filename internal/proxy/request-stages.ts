import type { ProxyError } from '../base/index.ts';
import {
  BodyPipeline,
  type BodySink,
  type BodySource,
  type BodyStage,
  type Exchange,
  type FlushResult,
  type StageOwner,
} from '../exchange/index.ts';
import type { Fields } from '../message/index.ts';

/** Takes the bytes behind the last stage of a request body and sends them to the upstream. */
export interface UpstreamBody {
  sendBody(buffer: Buffer, start: number, end: number): void;
  flushBody(): FlushResult;
  endBody(trailers: Fields | null): void;
  guard(action: () => void): void;
  /** The body cannot be completed. */
  failed(error: ProxyError): void;
}

/** Both ends of the stages of a request body: the client in front of the first, the upstream behind the last. */
class RequestStageEnds implements BodySink, BodySource, StageOwner {
  private readonly body: UpstreamBody;
  private readonly exchange: Exchange;

  constructor(body: UpstreamBody, exchange: Exchange) {
    this.body = body;
    this.exchange = exchange;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.body.sendBody(buffer, start, end);
  }

  flush(): FlushResult {
    return this.body.flushBody();
  }

  end(trailers: Fields | null): FlushResult {
    this.body.endBody(trailers);
    return this.body.flushBody();
  }

  onDrain(): void {
    this.exchange.resumeRequest();
  }

  guard(action: () => void): void {
    this.body.guard(action);
  }

  fail(error: ProxyError): void {
    this.body.failed(error);
  }
}

/** Connects the stages of a request body. */
export function requestPipeline(stages: readonly BodyStage[], body: UpstreamBody, exchange: Exchange): BodyPipeline {
  const ends = new RequestStageEnds(body, exchange);
  return new BodyPipeline(stages, ends, ends);
}
