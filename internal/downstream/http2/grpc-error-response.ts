import type { ProxyError } from '../../base/index.ts';
import { Fields } from '../../message/index.ts';
import { type ErrorAnswer, errorResponse } from '../error-response.ts';

/** Media types of gRPC over HTTP/2. gRPC-Web has others, and its clients understand a 504. */
const GRPC = /^application\/grpc(?:[+; \t]|$)/i;

/** Status codes of gRPC. */
const DEADLINE_EXCEEDED = '4';

/**
 * The answer to a failed exchange of HTTP/2. gRPC clients read a 504 as UNAVAILABLE, so a timeout is answered with a response
 * of trailers alone, which carries DEADLINE_EXCEEDED.
 */
export function http2ErrorResponse(error: ProxyError, requestFields: Fields): ErrorAnswer {
  const plain = errorResponse(error);
  if (error.code !== 'upstream_timeout' || !GRPC.test(requestFields.get('content-type') ?? '')) return plain;
  const fields = Fields.of([
    ['Content-Type', 'application/grpc'],
    ['Grpc-Status', DEADLINE_EXCEEDED],
    ['Grpc-Message', `${plain.reason} (${error.code})`],
  ]);
  return { status: 200, reason: 'OK', fields, body: Buffer.alloc(0) };
}
