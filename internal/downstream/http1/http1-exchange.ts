import { ProxyError } from '../../base/index.ts';
import { FlushResult } from '../../exchange/index.ts';
import {
  CHUNKED,
  currentHttpDate,
  EMPTY_RESPONSE_DROP,
  FieldId,
  type Fields,
  type Framing,
  isBodiless,
  RESPONSE_DROP,
  TRAILER_DROP,
  UNTIL_CLOSE,
} from '../../message/index.ts';
import type { Connection } from '../../transport/index.ts';
import { ClientExchange, Writing } from '../client-exchange.ts';
import { type ErrorAnswer, errorResponse } from '../error-response.ts';
import type { Client } from '../received-request.ts';
import type { SessionHost } from '../session-host.ts';

/** Framing of a response that never has a body, regardless of its fields. */
const FORBIDS_BODY = -3;

/** The session of an exchange as the exchange sees it. */
export interface ExchangeSession extends Client {
  readonly connection: Connection;
  /** The body is wanted. */
  resumeBody(): void;
  /** No more of the body is wanted for now. */
  pauseBody(): void;
  /** Whether the response that begins now has to be the last one on the connection. */
  mustCloseAfterResponse(status: number): boolean;
  /** Sends what was written to the connection. */
  flush(): FlushResult;
  /** From here on, the client's bytes are passed on unchanged. */
  startTunnel(): void;
  /** The other side of the tunnel has sent its last byte. */
  endTunnelOutput(): void;
  /** The response is complete. */
  exchangeOver(exchange: Http1Exchange): void;
  /** The exchange cannot be completed: nothing more is sent, and the client must notice. */
  cut(exchange: Http1Exchange): void;
}

/** The exchange of an HTTP/1.1 session: it gets its data from the parser and writes to the connection. */
export class Http1Exchange extends ClientExchange {
  /** Whether the connection goes on after this exchange. */
  persistent = true;
  modern = true;
  protected readonly client: ExchangeSession;
  private readonly bytesBefore: number;
  /** The framing of the body towards the client: the number of missing bytes, CHUNKED, UNTIL_CLOSE or FORBIDS_BODY. */
  private framing = 0;

  constructor(session: ExchangeSession, service: SessionHost, fields: Fields) {
    super(service, fields);
    this.client = session;
    this.bytesBefore = session.connection.bytesWritten;
  }

  get protocol(): string {
    return this.modern ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  get acceptsTrailers(): boolean {
    return /(^|,)\s*trailers\s*(,|$)/i.test(this.requestFields.list(FieldId.te) ?? '');
  }

  /** Milliseconds that the client may be silent or slow; 0 means without a limit. */
  get patience(): number {
    return this.patient ? 0 : this.service.limits.stallTimeout;
  }

  /** Bytes sent for this exchange so far. */
  get bytesOut(): number {
    return this.client.connection.bytesWritten - this.bytesBefore;
  }

  resumeRequest(): void {
    if (!this.over) this.client.resumeBody();
  }

  pauseRequest(): void {
    if (!this.over) this.client.pauseBody();
  }

  inform(status: number, reason: string, fields: Fields): void {
    // RFC 9110 §15.2: HTTP/1.0 has no 1xx. §10.1.1: 100 is for a client that waits for it.
    if (!this.modern || this.responded || (status === 100 && !this.expectsContinue)) return;
    const { connection } = this.client;
    connection.text(`HTTP/1.1 ${status} ${reason}\r\n${fields.lines(EMPTY_RESPONSE_DROP)}\r\n`);
    connection.flush();
  }

  protected sendHead(status: number, reason: string, fields: Fields, framing: Framing): void {
    if (this.client.mustCloseAfterResponse(status)) this.persistent = false;
    const framingLine = this.chooseFraming(status, fields, framing);
    let head = status === 200 && reason === 'OK' ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${reason}\r\n`;
    head += fields.lines(RESPONSE_DROP);
    // RFC 9110 §6.6.1: a recipient with a clock adds the Date that is missing.
    if (!fields.holds(FieldId.date)) head += `Date: ${currentHttpDate()}\r\n`;
    head += framingLine;
    if (!this.persistent) head += 'Connection: close\r\n\r\n';
    else head += this.modern ? '\r\n' : 'Connection: keep-alive\r\n\r\n';
    this.client.connection.text(head);
  }

  respondTunnel(status: number, reason: string, fields: Fields): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    this.status = status;
    this.writing = Writing.body;
    this.framing = UNTIL_CLOSE;
    this.persistent = false;
    this.tunnel = true;
    this.limitTunnel();
    // RFC 9110 §9.3.6 and §8.6: no Content-Length in a 2xx to CONNECT nor in a 101, where bytes of the tunnel follow.
    const upgrade = status === 101 ? `Connection: upgrade\r\nUpgrade: ${fields.list(FieldId.upgrade) ?? ''}\r\n` : '';
    this.client.connection.text(`HTTP/1.1 ${status} ${reason}\r\n${fields.lines(EMPTY_RESPONSE_DROP)}${upgrade}\r\n`);
    this.client.connection.flush();
    this.client.startTunnel();
  }

  sendBody(buffer: Buffer, start: number, end: number): void {
    const { connection } = this.client;
    if (this.framing === CHUNKED) {
      connection.text(`${(end - start).toString(16)}\r\n`);
      connection.bytes(buffer, start, end);
      connection.text('\r\n');
      return;
    }
    if (this.framing === FORBIDS_BODY) return;
    if (this.framing >= 0) {
      if (end - start > this.framing) throw new ProxyError('internal', 'a body longer than its Content-Length');
      this.framing -= end - start;
    }
    connection.bytes(buffer, start, end);
  }

  sendFlush(): FlushResult {
    return this.client.flush();
  }

  sendEnd(trailers: Fields | null): FlushResult {
    if (this.tunnel) {
      this.client.endTunnelOutput();
      return FlushResult.pending;
    }
    if (this.framing > 0) {
      this.fail(new ProxyError('internal', `a body ${this.framing} bytes shorter than its Content-Length`));
      return FlushResult.pending;
    }
    if (this.framing === CHUNKED) {
      // RFC 9110 §6.5.1: trailers may be dropped only if the client did not ask for them.
      this.client.connection.text(trailers === null ? '0\r\n\r\n' : `0\r\n${trailers.lines(TRAILER_DROP)}\r\n`);
    }
    const result = this.client.flush();
    this.finish();
    return result;
  }

  guard(action: () => void): void {
    this.client.connection.guard(action);
  }

  protected errorAnswer(error: ProxyError): ErrorAnswer {
    return errorResponse(error);
  }

  protected cutOff(): void {
    this.close();
    this.client.cut(this);
  }

  protected abandon(): void {
    this.close();
  }

  private finish(): void {
    this.close();
    this.client.exchangeOver(this);
  }

  /** The tunnel has ended without an error: both sides have closed. */
  endTunnel(): void {
    if (this.over) return;
    this.close();
    this.dismiss(new ProxyError('client_closed', 'the tunnel has ended'));
  }

  /** Decides how the client finds the end of the body (RFC 9112 §6.3). @returns the field line for it */
  private chooseFraming(status: number, fields: Fields, framing: Framing): string {
    const forbidden = isBodiless(status, this.method);
    const hasLength = fields.holds(FieldId.contentLength);
    // RFC 9110 §8.6: no Content-Length in a 204.
    if (hasLength && status === 204) fields.remove('content-length');
    if (forbidden) {
      this.framing = FORBIDS_BODY;
      // RFC 9110 §8.6: a response to HEAD states the length for GET; a 304 need not state one, and a 204 must not.
      const tells = framing >= 0 && !hasLength && status !== 204 && status !== 304;
      return tells ? `Content-Length: ${framing}\r\n` : '';
    }
    if (framing >= 0) {
      this.framing = framing;
      return hasLength ? '' : `Content-Length: ${framing}\r\n`;
    }
    if (this.modern) {
      this.framing = CHUNKED;
      return 'Transfer-Encoding: chunked\r\n';
    }
    this.framing = UNTIL_CLOSE;
    this.persistent = false;
    return '';
  }
}
