import { ProxyError } from '../base/index.ts';
import { FieldId } from './field-names.ts';
import type { Fields } from './fields.ts';

/**
 * How the end of a body is found. A number from 0 on is a Content-Length in bytes. CHUNKED and UNTIL_CLOSE are below 0, so
 * that one comparison tells them apart from a length.
 */
export type Framing = number;

/** Digits of a Content-Length: as many as a number can hold exactly, which also limits leading zeros. */
export const MAX_LENGTH_DIGITS = 16;

/** No body and no field that says so. */
export const NO_BODY: Framing = 0;
/** Transfer-Encoding: chunked. */
export const CHUNKED: Framing = -1;
/** A response that ends with its connection. */
export const UNTIL_CLOSE: Framing = -2;

/** A list of codings other than chunked, and then chunked: tokens without parameters. */
const CODINGS_THEN_CHUNKED = /^(?:(?!chunked[ \t,])[!#$%&'*+\-.^_`|~0-9a-z]+[ \t]*,[ \t]*)+chunked$/;

/** Whether a response ends with its head regardless of its fields (RFC 9112 §6.3 step 1). */
export function isBodiless(status: number, method: string): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** Whether a response with that status can have content (RFC 9110 §6.4.1, §15.3.6). */
export function mayHaveContent(status: number): boolean {
  return status !== 204 && status !== 205 && status !== 304;
}

/**
 * The framing of a request body (RFC 9112 §6.3). Where the RFC leaves a choice, prox refuses: it forwards no message that
 * two parsers could read in two ways.
 * @throws ProxyError bad_framing, unknown_coding or bad_content_length
 */
export function requestFraming(fields: Fields, minorVersion: number): Framing {
  const hasLength = fields.holds(FieldId.contentLength);
  if (fields.holds(FieldId.transferEncoding)) {
    // Step 3: both together "ought to be handled as an error"; §6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.
    if (hasLength) throw new ProxyError('bad_framing', 'Content-Length together with Transfer-Encoding');
    if (minorVersion === 0) throw new ProxyError('bad_framing', 'Transfer-Encoding in an HTTP/1.0 request');
    const coding = (fields.list(FieldId.transferEncoding) as string).toLowerCase();
    if (coding === 'chunked') return CHUNKED;
    // §6.1: an unknown coding is answered with 501. Step 4: without a final chunked the length cannot be found.
    if (CODINGS_THEN_CHUNKED.test(coding)) {
      throw new ProxyError('unknown_coding', `Transfer-Encoding: ${coding}, prox decodes chunked alone`);
    }
    throw new ProxyError('bad_framing', `Transfer-Encoding: ${coding} does not end with one chunked`);
  }
  // Step 5 and 6; step 7: a request without either has no body.
  return hasLength ? contentLength(fields, 'bad_content_length') : NO_BODY;
}

/**
 * The framing of a response body (RFC 9112 §6.3). Callers do not pass 1xx responses, which end with their head.
 * @throws ProxyError bad_response
 */
export function responseFraming(fields: Fields, minorVersion: number, status: number, method: string): Framing {
  const hasLength = fields.holds(FieldId.contentLength);
  const hasCoding = fields.holds(FieldId.transferEncoding);
  // Step 2: a 2xx to CONNECT has no body, what follows is the tunnel; RFC 9110 §9.3.6: its framing fields are ignored.
  if (method === 'CONNECT' && status >= 200 && status < 300) return NO_BODY;
  // Step 3
  if (hasLength && hasCoding) throw bad('Content-Length together with Transfer-Encoding');
  // Step 1: responses to HEAD, 204 and 304 end with the head regardless of the fields.
  if (isBodiless(status, method)) {
    if (hasLength) contentLength(fields, 'bad_response');
    return NO_BODY;
  }
  if (hasCoding) {
    if (minorVersion === 0) throw bad('Transfer-Encoding in an HTTP/1.0 response');
    const coding = (fields.list(FieldId.transferEncoding) as string).toLowerCase();
    // Step 4 would read other final codings until the close; prox takes chunked alone, as it must find the end.
    if (coding !== 'chunked') throw bad(`Transfer-Encoding: ${coding}, prox decodes chunked alone`);
    return CHUNKED;
  }
  // Step 6 and 8.
  return hasLength ? contentLength(fields, 'bad_response') : UNTIL_CLOSE;
}

/**
 * Whether there is one Content-Length and it agrees with the framing, which is not certain for a line that a filter has set.
 * @param framing of the content; null if no content follows and any length is allowed, as for HEAD (RFC 9110 §8.6)
 */
export function tellsLength(fields: Fields, framing: Framing | null): boolean {
  const value = fields.first(FieldId.contentLength);
  if (value === null || fields.repeats(FieldId.contentLength)) return false;
  return framing === null ? /^(0|[1-9][0-9]{0,15})$/.test(value) : value === String(framing);
}

/** Content-Length = 1*DIGIT, once. RFC 9112 §6.3 step 5 allows to accept "5, 5"; prox refuses it. */
function contentLength(fields: Fields, code: 'bad_content_length' | 'bad_response'): number {
  const value = fields.first(FieldId.contentLength) as string;
  if (fields.repeats(FieldId.contentLength)) {
    throw new ProxyError(code, 'more than one Content-Length');
  }
  if (value.length === 0 || value.length > MAX_LENGTH_DIGITS) throw new ProxyError(code, `Content-Length: ${value}`);
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) throw new ProxyError(code, `Content-Length: ${value}`);
    length = length * 10 + digit;
  }
  if (!Number.isSafeInteger(length)) throw new ProxyError(code, `Content-Length: ${value}`);
  return length;
}

function bad(what: string): ProxyError {
  return new ProxyError('bad_response', what);
}
