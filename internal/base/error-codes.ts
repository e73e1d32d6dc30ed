/** Who caused an error. The source decides the log level, never the status. */
export type ErrorSource = 'client' | 'upstream' | 'internal';

/** What a code of the catalogue stands for. */
export interface ErrorEntry {
  readonly source: ErrorSource;
  /**
   * The status that a client gets if no response head was sent yet. 0 means that prox closes the connection without
   * an answer, because no client is left to read one or because an answer would do harm.
   */
  readonly status: number;
  /** What happened, in one sentence. docs/errors.md repeats it. */
  readonly meaning: string;
}

/**
 * Every error that can end an exchange or a connection. Codes are stable, because they appear in logs and users base
 * alerts on them. docs/errors.md lists the same codes; a test compares the two.
 */
export const ERROR_CODES = {
  // prox could not read the request.
  bad_start_line: entry(
    'client',
    400,
    'The request line is not `method SP target SP HTTP-version CRLF` (RFC 9112 §3).',
  ),
  bad_version: entry('client', 505, 'The major HTTP version of the request line is not 1 (RFC 9110 §15.6.6).'),
  bad_target: entry(
    'client',
    400,
    'The request target has none of the forms that its method allows (RFC 9112 §3.2), or its path could be read in two ways.',
  ),
  bad_field_line: entry(
    'client',
    400,
    'A field line is malformed: an invalid name, white space before the colon, a folded line, a control character, or a line that does not end with CRLF (RFC 9112 §5).',
  ),
  bad_host: entry('client', 400, 'Host is missing, repeated or not an authority (RFC 9112 §3.2).'),
  bad_content_length: entry(
    'client',
    400,
    'Content-Length is not a number, is repeated, or does not match the content (RFC 9112 §6.3).',
  ),
  bad_framing: entry(
    'client',
    400,
    'The request has both Content-Length and Transfer-Encoding, or its Transfer-Encoding is malformed (RFC 9112 §6.1).',
  ),
  unknown_coding: entry('client', 501, 'Transfer-Encoding names a coding other than chunked (RFC 9112 §6.1).'),
  bad_chunk: entry(
    'client',
    400,
    'A chunk size, a chunk extension or the end of a chunk is malformed (RFC 9112 §7.1).',
  ),
  bad_trailer: entry('client', 400, 'The trailer section is malformed or larger than its limit (RFC 9112 §7.1.2).'),
  bad_expect: entry('client', 417, 'The Expect field names an expectation other than 100-continue (RFC 9110 §10.1.1).'),
  bad_upgrade: entry(
    'client',
    400,
    'The extended CONNECT of an HTTP/2 request names a protocol other than websocket, or the request has :protocol without CONNECT (RFC 8441 §4).',
  ),
  target_too_long: entry('client', 414, 'The request target is longer than max_target_bytes.'),
  head_too_large: entry(
    'client',
    431,
    'The head of the request is larger than max_header_bytes, or has more than max_headers fields.',
  ),
  body_too_large: entry('client', 413, 'The body of the request is larger than max_body_bytes.'),
  head_timeout: entry('client', 408, 'The client did not complete the head of the request within header_timeout.'),
  request_timeout: entry('client', 408, 'The client did not complete the request within read_timeout.'),
  client_stalled: entry(
    'client',
    408,
    'For the length of stall_timeout, the client sent no byte of its request or took no byte of its response.',
  ),
  body_too_slow: entry('client', 408, 'The client sent the body of its request more slowly than min_rate.'),
  client_closed: entry('client', 0, 'The client closed the connection before the exchange was complete.'),
  response_timeout: entry('client', 0, 'prox could not write the whole response to the client within write_timeout.'),

  // prox could not read the connection, before any request on it.
  bad_client_hello: entry(
    'client',
    0,
    'A connection to a TLS port did not begin with a well-formed ClientHello (RFC 8446 §4.1.2, §5.1).',
  ),
  client_hello_too_large: entry(
    'client',
    0,
    'The ClientHello, including its TLS records, is larger than 16 KiB, the most that prox reads.',
  ),
  h2_broken: entry(
    'client',
    0,
    'The client violated the HTTP/2 protocol, which is a connection error (RFC 9113 §5.4.1).',
  ),
  h2_goaway: entry(
    'client',
    0,
    'The client ended its HTTP/2 connection with a GOAWAY frame that carries an error code (RFC 9113 §6.8).',
  ),
  h2_flood: entry(
    'client',
    0,
    'Within one second the client reset more streams, or sent more PING or SETTINGS frames, than prox allows.',
  ),
  bad_proxy_header: entry(
    'client',
    0,
    'The connection comes from a trusted proxy and did not begin with a well-formed PROXY header.',
  ),

  not_tls: entry(
    'client',
    400,
    'A connection to a TLS port did not begin with a TLS record; often a client speaks plain HTTP to it.',
  ),

  tls_handshake: entry(
    'client',
    0,
    'The TLS handshake with the client failed: client and service share no protocol version or cipher suite, a required client certificate is missing or invalid, tls_handshake_timeout passed, or the client left.',
  ),

  // prox read the request, but does not serve it.
  no_route: entry('client', 404, 'No route of the service matches the request.'),
  not_found: entry('client', 404, 'The serve action found no such file in its root.'),
  method_not_allowed: entry(
    'client',
    405,
    'The action does not allow this method; CONNECT needs a proxy route whose methods name it, or one with stream: true.',
  ),
  misdirected: entry(
    'client',
    421,
    'The host belongs to a pass route, but the request came over TLS that prox terminates, or without TLS (RFC 9110 §15.5.20).',
  ),
  dropped: entry('client', 0, 'The route has a drop action, so prox closed the connection without an answer.'),

  // A connection that prox relays without decrypting it.
  relay_idle: entry('client', 0, 'Neither side of a relayed connection sent a byte for the length of idle_timeout.'),

  // prox could not reach the upstream, or the upstream gave no valid response.
  no_target: entry('upstream', 503, 'The balancer of the route has no target that may be tried.'),
  bad_upstream_address: entry(
    'upstream',
    502,
    'The upstream template of the action produced text that is not an address.',
  ),
  dial_failed: entry('upstream', 502, 'The upstream refused the connection, or its name could not be resolved.'),
  dial_timeout: entry('upstream', 502, 'prox could not connect to the upstream within dial_timeout.'),
  upstream_tls: entry(
    'upstream',
    502,
    'The TLS handshake with the upstream failed, or its certificate could not be verified.',
  ),
  upstream_closed: entry('upstream', 502, 'The upstream closed the connection before its response was complete.'),
  upstream_reset: entry(
    'upstream',
    502,
    'The upstream reset the stream of the request with an error code (RFC 9113 §6.4).',
  ),
  upstream_http2: entry(
    'upstream',
    502,
    'The action expects HTTP/2, but the upstream did not begin with an HTTP/2 preface (RFC 9113 §3.4).',
  ),
  no_upgrade: entry(
    'upstream',
    501,
    'The client asked for an upgrade, and the upstream speaks HTTP/2 without extended CONNECT (RFC 8441).',
  ),
  upstream_timeout: entry(
    'upstream',
    504,
    'The upstream sent no response head within response_header_timeout, or reset the stream after the grpc-timeout of the request had passed.',
  ),
  upstream_stalled: entry(
    'upstream',
    504,
    'For the length of stall_timeout, the upstream sent no byte of its response or took no byte of the request.',
  ),
  bad_response: entry(
    'upstream',
    502,
    'The head or the framing of the response is malformed (RFC 9112 §4 to §6, RFC 9113 §8).',
  ),
  response_head_too_large: entry(
    'upstream',
    502,
    'The head of the response is larger than max_header_bytes, or has more than max_headers fields.',
  ),
  response_too_large: entry(
    'upstream',
    502,
    'The body of the answer to a request that prox made itself, such as one of a middleware, is longer than what is read of it.',
  ),
  auth_failed: entry(
    'upstream',
    502,
    'The server that a forward_auth middleware asks did not answer, or its answer could not be read.',
  ),

  // prox itself failed.
  filter_timeout: entry('internal', 503, 'A middleware of the route did not reach a result in time.'),
  internal: entry(
    'internal',
    500,
    'prox has a bug: an exception ended this exchange, and no other; the log has the cause.',
  ),
  file_error: entry('internal', 500, 'The file exists, but prox could not read it.'),
  shutting_down: entry(
    'internal',
    0,
    'prox is stopping, or no longer listens on the address, and shutdown_timeout passed before the exchange was complete.',
  ),
} as const satisfies Record<string, ErrorEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERROR_CODES;

function entry(source: ErrorSource, status: number, meaning: string): ErrorEntry {
  return { source, status, meaning };
}
