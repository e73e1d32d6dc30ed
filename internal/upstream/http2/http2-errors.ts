import { ProxyError } from '../../base/index.ts';
import type { UpstreamRequest } from '../upstream-link.ts';

/** The error codes of RFC 9113 §7 that matter to a proxy. */
export const Http2Code = { noError: 0, protocolError: 1, refusedStream: 7, cancel: 8 } as const;

const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** What happened to the session of a stream. */
export interface SessionFate {
  /** Why it was lost; null while it was not, or when it simply closed. */
  readonly error: Error | null;
  /** The last-stream-id of the peer's GOAWAY: the peer has not processed streams above it (RFC 9113 §6.8). */
  readonly lastStreamId: number;
  /** Whether its connection is closed; its streams have ended with it. */
  readonly lost: boolean;
}

/** The progress of a stream when it closed. */
export interface StreamProgress {
  /** The identifier of the stream; undefined when it had none yet. */
  readonly id: number | undefined;
  /** The code with which it was reset, or 0. */
  readonly code: number;
  /** Whether any part of the response had arrived. */
  readonly anyByte: boolean;
  /** Whether the time in the request's grpc-timeout has passed. */
  readonly overdue: boolean;
}

/** The name of an error code in RFC 9113 §7. */
export function codeName(code: number): string {
  return NAMES[code] ?? `code ${code}`;
}

/** The error of a stream that closed before its response was complete. */
export function streamError(session: SessionFate, { id, code, anyByte, overdue }: StreamProgress): ProxyError {
  const when = anyByte ? 'before its response was complete' : 'without an answer';
  // RFC 9113 §8.7: a refused stream, and a stream above the last one of a GOAWAY, were not processed.
  const unprocessed = code === Http2Code.refusedStream || id === undefined || id > session.lastStreamId;
  if (unprocessed && !anyByte) {
    const message = 'the upstream did not process the request: it refused the stream, or closed the session';
    return new ProxyError('upstream_closed', message, {
      cause: session.error ?? undefined,
      retryable: true,
      unprocessed: true,
    });
  }
  // gRPC servers do this with a call whose deadline has passed. node:http2 also reports CANCEL for the streams of a
  // lost session.
  if (code === Http2Code.cancel && overdue && !anyByte && !session.lost) {
    return new ProxyError('upstream_timeout', 'the upstream reset the stream after the grpc-timeout had passed');
  }
  if (code === Http2Code.noError || code === Http2Code.cancel) {
    const why = session.error === null ? '' : `: ${session.error.message}`;
    const message = `the upstream closed the stream or its connection ${when}${why}`;
    return new ProxyError('upstream_closed', message, { cause: session.error ?? undefined });
  }
  const name = codeName(code);
  if (code === Http2Code.protocolError) {
    return new ProxyError('bad_response', `the stream ended with ${name} ${when}: one side found the other malformed`);
  }
  return new ProxyError('upstream_reset', `the stream ended with ${name} ${when}`, {
    cause: session.error ?? undefined,
  });
}

/** node:http2 did not send the request because the session has just closed. */
export function refused(cause: unknown): ProxyError {
  const message = `the HTTP/2 session has closed: ${String(cause)}`;
  return new ProxyError('upstream_closed', message, { cause, retryable: true, unprocessed: true });
}

/** The upstream does not support the requested upgrade (RFC 8441 §3). */
export function noUpgrade({ upgrade }: UpstreamRequest): ProxyError {
  return new ProxyError('no_upgrade', `the upstream speaks HTTP/2 without extended CONNECT, which ${upgrade} needs`);
}
