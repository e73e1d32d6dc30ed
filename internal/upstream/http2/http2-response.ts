import { ProxyError } from '../../base/index.ts';
import { type HeadLimits } from '../../http1/index.ts';
import {
  CHUNKED,
  CONNECTION_SPECIFIC,
  Fields,
  type Framing,
  NO_BODY,
  readFieldPairs,
  responseFraming,
} from '../../message/index.ts';

/** The status of a response head (RFC 9113 §8.3.2): 100 to 599, but not 101 (§8.6). @throws ProxyError bad_response */
export function statusOf(status: unknown): number {
  if (typeof status === 'number' && status >= 100 && status <= 599 && status !== 101) return status;
  throw new ProxyError('bad_response', `:status ${String(status)} in HTTP/2`);
}

/**
 * The fields of a head or of trailers.
 * @param raw name, value, name, value …
 * @throws ProxyError bad_response, response_head_too_large
 */
export function readResponseFields(raw: readonly string[], limits: HeadLimits): Fields {
  const fields = new Fields();
  readFieldPairs(fields, raw, 'bad_response');
  if (fields.count > limits.maxHeaders || fields.linesEnd > limits.maxHeaderBytes) {
    const { maxHeaderBytes, maxHeaders } = limits;
    const message = `the head is larger than ${maxHeaderBytes} bytes or has more than ${maxHeaders} fields`;
    throw new ProxyError('response_head_too_large', message);
  }
  if (fields.holdsAny(CONNECTION_SPECIFIC)) {
    throw new ProxyError('bad_response', 'a field of HTTP/1.1 connections in an HTTP/2 response');
  }
  return fields;
}

/**
 * The framing of the body towards the client: its Content-Length, or CHUNKED if only END_STREAM marks the end.
 * @param ended the head has ended the stream
 * @throws ProxyError bad_response
 */
export function responseFramingOf(fields: Fields, status: number, method: string, ended: boolean): Framing {
  const framing = responseFraming(fields, 1, status, method);
  if (framing < 0) return ended ? NO_BODY : CHUNKED;
  if (ended && framing > 0)
    throw new ProxyError('bad_response', `a body ${framing} bytes shorter than its Content-Length`);
  return framing;
}
