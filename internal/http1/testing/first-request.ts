/** Reads the first request of some bytes with our codec, in the terms that llhttp's reading is compared in. */
import { ProxyError } from '../../base/index.ts';
import { readTarget, requestFraming, type RequestTarget } from '../../message/index.ts';
import { BodyDecoder } from '../body-decoder.ts';
import { type BodySink } from '../chunked-decoder.ts';
import { MORE } from '../head-reader.ts';
import { DEFAULT_HEAD_LIMITS } from '../limits.ts';
import { RequestHeadReader } from '../request-head.ts';

/** How a parser took the first message of some bytes. */
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

/** How we take the first message of the bytes. */
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
  // What comes behind a CONNECT is the tunnel's (RFC 9110 §9.3.6).
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
