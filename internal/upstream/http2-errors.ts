import { ProxyError } from '../base/index.ts';

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
}

/** How far the response of a stream had come. */
export interface StreamProgress {
  /** The identifier of the stream; undefined when it had none yet. */
  readonly id: number | undefined;
  /** The code that it was reset with, or 0. */
  readonly code: number;
  /** Anything of the response had come. */
  readonly anyByte: boolean;
}

/** What RFC 9113 §7 calls an error code. */
export function codeName(code: number): string {
  return NAMES[code] ?? `code ${code}`;
}

/** The error of a stream that closed before its response was complete. */
export function streamError(session: SessionFate, { id, code, anyByte }: StreamProgress): ProxyError {
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
