/**
 * Runs bytes through the codec as a session does, one message after another, and logs the result: a line each for the start
 * line, for every field, for the framing, the content, every trailer field, and the end or the error.
 */
import { ProxyError } from '../../base/index.ts';
import { CHUNKED, type Framing, requestFraming, responseFraming, UNTIL_CLOSE } from '../../message/index.ts';
import { BodyDecoder } from '../body-decoder.ts';
import { type BodySink } from '../chunked-decoder.ts';
import { MORE } from '../head-reader.ts';
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from '../limits.ts';
import { RequestHeadReader } from '../request-head.ts';
import { ResponseHeadReader } from '../response-head.ts';

/** The kind of messages to read. */
export interface Wire {
  readonly kind: 'request' | 'response';
  readonly limits?: HeadLimits;
  /** The method that a response answers. */
  readonly method?: string;
}

/** Bytes around every slice, to catch a reader that reads beyond it. LF is the most likely byte to change the result. */
const MARGIN = 3;
const JUNK = 0x0a;

/** The log of the bytes, cut at the given positions. */
export function wireLog(wire: Wire, bytes: Buffer, cuts: readonly number[] = []): string[] {
  const reader = new WireReader(wire);
  let from = 0;
  try {
    for (const to of [...cuts, bytes.length]) {
      reader.feed(bytes.subarray(from, to));
      from = to;
    }
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return reader.failed(error);
  }
  return reader.ended();
}

class WireReader implements BodySink {
  private readonly log: string[] = [];
  private readonly head: RequestHeadReader | ResponseHeadReader;
  private readonly body: BodyDecoder;
  private readonly method: string;
  private content = '';

  constructor({ kind, limits = DEFAULT_HEAD_LIMITS, method = 'GET' }: Wire) {
    const isRequest = kind === 'request';
    this.head = isRequest ? new RequestHeadReader(limits) : new ResponseHeadReader(limits);
    this.body = isRequest
      ? new BodyDecoder('bad_chunk', 'bad_trailer')
      : new BodyDecoder('bad_response', 'bad_response');
    this.method = method;
  }

  feed(slice: Buffer): void {
    const buffer = Buffer.alloc(slice.length + 2 * MARGIN, JUNK);
    slice.copy(buffer, MARGIN);
    const end = MARGIN + slice.length;
    let at = MARGIN;
    do {
      const inHead = this.body.done;
      const next = inHead ? this.head.feed(buffer, at, end) : this.body.feed(buffer, at, end, this);
      if (next === MORE) break;
      if (next > end || next < at) throw new Error(`took bytes from ${at} to ${next} out of ${end}`);
      at = next;
      if (inHead) this.headRead();
      if (this.body.done) this.messageRead();
    } while (at < end);
    // The bytes were borrowed: code that still reads them now gets LFs.
    buffer.fill(JUNK);
  }

  onBody(buffer: Buffer, start: number, end: number): void {
    if (start >= end) throw new Error('an empty piece of content');
    this.content += buffer.toString('latin1', start, end);
  }

  failed(error: ProxyError): string[] {
    this.flush();
    return [...this.log, `error ${error.code}`];
  }

  ended(): string[] {
    this.flush();
    if (!this.body.done && this.body.close()) this.log.push('end by close');
    else if (!this.body.done || this.head.started) this.log.push('more');
    return this.log;
  }

  private headRead(): void {
    const { head } = this;
    this.log.push(startLine(head), ...[...head.fields.entries()].map(([name, value]) => `${name}: ${value}`));
    const framing =
      head instanceof RequestHeadReader
        ? requestFraming(head.fields, head.minorVersion)
        : responseFraming(head.fields, head.minorVersion, head.status, this.method);
    if (framing !== 0) this.log.push(framingName(framing));
    this.body.start(framing);
    head.reset();
  }

  private messageRead(): void {
    this.flush();
    for (const [name, value] of this.body.trailers?.entries() ?? []) this.log.push(`trailer ${name}: ${value}`);
    this.log.push('end');
  }

  private flush(): void {
    if (this.content !== '') this.log.push(`content ${this.content}`);
    this.content = '';
  }
}

function startLine(head: RequestHeadReader | ResponseHeadReader): string {
  if (head instanceof RequestHeadReader) return `${head.method} ${head.target} 1.${head.minorVersion}`;
  return `1.${head.minorVersion} ${head.status} ${head.reason}`;
}

function framingName(framing: Framing): string {
  if (framing === CHUNKED) return '(chunked)';
  return framing === UNTIL_CLOSE ? '(until close)' : `(length ${framing})`;
}
