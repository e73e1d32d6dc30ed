import { ProxyError } from '../../base/index.ts';
import type { UpstreamRequest } from '../upstream-link.ts';

/** Error codes of RFC 9113 §7 that mean something to a proxy. */
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

/** What became of the session of a stream. */
export interface SessionFate {
  /** Why it was lost; null while it was not, or when it simply closed. */
  readonly error: Error | null;
  /** The peer's last-stream-id of a GOAWAY: streams above it were not looked at (RFC 9113 §6.8). */
  readonly lastStreamId: number;
  /** It has no connection any more: its streams have ended with it. */
  readonly lost: boolean;
}

/** How far the response of a stream had come. */
export interface StreamProgress {
  /** The identifier of the stream; undefined when it had none yet. */
  readonly id: number | undefined;
  /** The code that it was reset with, or 0. */
  readonly code: number;
  /** Anything of the response had come. */
  readonly anyByte: boolean;
  /** The time that the request gave the upstream has passed. */
  readonly overdue: boolean;
}

/** What RFC 9113 §7 calls an error code. */
export function codeName(code: number): string {
  return NAMES[code] ?? `code ${code}`;
}

/** The error of a stream that closed before its response was complete. */
export function streamError(session: SessionFate, { id, code, anyByte, overdue }: StreamProgress): ProxyError {
  const when = anyByte ? 'before its response was complete' : 'without an answer';
  // RFC 9113 §8.7: neither a refused stream nor one above the last of a GOAWAY was looked at.
  const unprocessed = code === Http2Code.refusedStream || id === undefined || id > session.lastStreamId;
  if (unprocessed && !anyByte) {
    const message = 'the upstream has not looked at the request: the stream was refused, or its session went away';
    return new ProxyError('upstream_closed', message, {
      cause: session.error ?? undefined,
      retryable: true,
      unprocessed: true,
    });
  }
  // What servers of gRPC do with a call whose deadline has passed. node:http2 says CANCEL of streams that a lost session
  // takes with it, too.
  if (code === Http2Code.cancel && overdue && !anyByte && !session.lost) {
    return new ProxyError('upstream_timeout', 'the upstream reset the stream when the grpc-timeout had passed');
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

/** node:http2 did not send the request: the session has just gone. */
export function refused(cause: unknown): ProxyError {
  const message = `the session takes no request any more: ${String(cause)}`;
  return new ProxyError('upstream_closed', message, { cause, retryable: true, unprocessed: true });
}

/** The upstream does not take the upgrade that was asked for (RFC 8441 §3). */
export function noUpgrade({ upgrade }: UpstreamRequest): ProxyError {
  return new ProxyError('no_upgrade', `the upstream speaks HTTP/2 without extended CONNECT, and no ${upgrade} by it`);
}
