/** Reads the first request of some bytes with prox's codec, in a form that can be compared with the result of llhttp. */
import { ProxyError } from '../../base/index.ts';
import { readTarget, requestFraming, type RequestTarget } from '../../message/index.ts';
import { BodyDecoder } from '../body-decoder.ts';
import { type BodySink } from '../chunked-decoder.ts';
import { MORE } from '../head-reader.ts';
import { DEFAULT_HEAD_LIMITS } from '../limits.ts';
import { RequestHeadReader } from '../request-head.ts';

/** The result of a parser for the first message of some bytes. */
export type Outcome =
  | {
      readonly kind: 'accepted';
      readonly method: string;
      readonly target: string;
      readonly minorVersion: number;
      readonly fields: readonly (readonly [string, string])[];
      readonly content: string;
      readonly trailers: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'incomplete' };

/** The result of prox's codec for the first message of the bytes. */
export function readFirstRequest(bytes: Buffer): Outcome {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof ProxyError) return { kind: 'refused', code: error.code };
    throw error;
  }
}

function read(bytes: Buffer): Outcome {
  const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
  const behindHead = head.feed(bytes, 0, bytes.length);
  if (behindHead === MORE) return { kind: 'incomplete' };
  const target: RequestTarget = { authority: '', path: '', query: '' };
  readTarget(head, target);

  const body = new BodyDecoder('bad_chunk', 'bad_trailer');
  let content = '';
  const sink: BodySink = { onBody: (buffer, start, end) => void (content += buffer.toString('latin1', start, end)) };
  const framing = requestFraming(head.fields, head.minorVersion);
  // All bytes behind a CONNECT belong to the tunnel (RFC 9110 §9.3.6).
  body.start(head.method === 'CONNECT' ? 0 : framing);
  body.feed(bytes, behindHead, bytes.length, sink);
  if (!body.done) return { kind: 'incomplete' };
  return {
    kind: 'accepted',
    method: head.method,
    target: head.target,
    minorVersion: head.minorVersion,
    fields: [...head.fields.entries()],
    content,
    trailers: [...(body.trailers?.entries() ?? [])],
  };
}
