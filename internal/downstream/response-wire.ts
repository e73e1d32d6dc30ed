import type { ProxyError } from '../base/index.ts';
import type { BodySink, BodySource, ExchangeHandler, FlushResult, StageOwner } from '../exchange/index.ts';
import type { Fields } from '../message/index.ts';

/** Writes the body of a response to its client. */
export interface WireOutput extends Pick<StageOwner, 'guard'> {
  readonly handler: ExchangeHandler | null;
  /** True when nothing more can be sent. */
  readonly over: boolean;
  sendBody(buffer: Buffer, start: number, end: number): void;
  sendFlush(): FlushResult;
  /** The body is complete, and with it the exchange. */
  sendEnd(trailers: Fields | null): FlushResult;
  giveUp(error: ProxyError): void;
}

/** Both ends of the stages of a response: the action in front of the first, the client behind the last. */
export class ResponseWire implements BodySink, BodySource, StageOwner {
  private readonly output: WireOutput;

  constructor(output: WireOutput) {
    this.output = output;
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (!this.output.over && start < end) this.output.sendBody(buffer, start, end);
  }

  flush(): FlushResult {
    return this.output.sendFlush();
  }

  end(trailers: Fields | null): FlushResult {
    return this.output.over ? this.flush() : this.output.sendEnd(trailers);
  }

  onDrain(): void {
    this.output.handler?.onDrain();
  }

  guard(action: () => void): void {
    this.output.guard(action);
  }

  fail(error: ProxyError): void {
    this.output.giveUp(error);
  }
}
