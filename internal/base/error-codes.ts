/** Who caused an error: decides the log level, never the status. */
export type ErrorSource = 'client' | 'upstream' | 'internal';

/** What a code of the catalogue stands for. */
export interface ErrorEntry {
  readonly source: ErrorSource;
  /**
   * The status that a client gets when no response head was sent yet; 0 means that there is nobody to answer, or
   * that an answer would do harm: the connection is closed.
   */
  readonly status: number;
  /** One sentence for people: what happened. It stands in docs/errors.md. */
  readonly meaning: string;
}

/**
 * Every error that an exchange or a connection can end with. Codes are stable: they stand in logs, and people
 * write alerts on them. docs/errors.md lists the same codes; a test compares the two.
 */
export const ERROR_CODES = {
  // The request could not be read (RFC 9112 unless said otherwise).
  bad_start_line: entry(
    'client',
    400,
    'The request line is not `method SP target SP HTTP-version CRLF` (RFC 9112 §3).',
  ),
  bad_version: entry('client', 505, 'The major HTTP version of the request line is not 1 (RFC 9110 §15.6.6).'),
  bad_target: entry(
    'client',
    400,
    'The request target is in none of the four forms that its method allows (RFC 9112 §3.2).',
  ),
  bad_field_line: entry(
    'client',
    400,
    'A field line is malformed: a bad name, white space before the colon, a folded line, a control byte, or a line that does not end with CRLF (RFC 9112 §5).',
  ),
  bad_host: entry('client', 400, 'Host is missing, repeated or not an authority (RFC 9112 §3.2).'),
  bad_content_length: entry(
    'client',
    400,
    'Content-Length is repeated with different values, or is not a number (RFC 9112 §6.3).',
  ),
  bad_framing: entry(
    'client',
    400,
    'Content-Length and Transfer-Encoding came together, or Transfer-Encoding is malformed (RFC 9112 §6.1).',
  ),
  unknown_coding: entry('client', 501, 'Transfer-Encoding names a coding other than chunked (RFC 9112 §6.1).'),
  bad_chunk: entry(
    'client',
    400,
    'A chunk size, a chunk extension or the end of a chunk is malformed (RFC 9112 §7.1).',
  ),
  bad_trailer: entry('client', 400, 'The trailer section is malformed or over its limit (RFC 9112 §7.1.2).'),
  bad_expect: entry('client', 417, 'Expect asks for something other than 100-continue (RFC 9110 §10.1.1).'),
  bad_upgrade: entry(
    'client',
    400,
    'An upgrade was asked for in a way that cannot be relayed, such as together with a body (RFC 9110 §7.8).',
  ),
  target_too_long: entry('client', 414, 'The request target is longer than max_target_bytes.'),
  head_too_large: entry(
    'client',
    431,
    'The head of the request is larger than max_header_bytes or has more than max_headers fields.',
  ),
  body_too_large: entry('client', 413, 'The body of the request is larger than max_body_bytes.'),
  head_timeout: entry('client', 408, 'The head of the request was not complete within header_timeout.'),
  request_timeout: entry('client', 408, 'The request was not complete within read_timeout.'),
  client_stalled: entry('client', 408, 'The client moved no byte for stall_timeout where one was due.'),
  body_too_slow: entry('client', 408, 'The body of the request came more slowly than min_rate.'),
  client_closed: entry('client', 0, 'The client closed the connection before the exchange was complete.'),
  response_timeout: entry('client', 0, 'The response was not written within write_timeout.'),

  // The connection could not be read: what comes before any request.
  bad_client_hello: entry(
    'client',
    0,
    'A connection to a TLS port did not begin with a well-formed ClientHello (RFC 8446 §4.1.2, §5.1).',
  ),
  client_hello_too_large: entry(
    'client',
    0,
    'The ClientHello, with the records around it, is larger than the 16 KiB that prox reads of one.',
  ),
  h2_broken: entry(
    'client',
    0,
    'The client broke the rules of HTTP/2 in a way that ends the connection (RFC 9113 §5.4.1).',
  ),
  h2_goaway: entry(
    'client',
    0,
    'The client ended its HTTP/2 connection with a GOAWAY that tells of an error (RFC 9113 §6.8).',
  ),
  h2_flood: entry(
    'client',
    0,
    'The client reset more streams, or sent more PING or SETTINGS frames, in a second than any honest client does.',
  ),
  bad_proxy_header: entry(
    'client',
    0,
    'The connection did not begin with a well-formed PROXY header, which this client has to send.',
  ),

  not_tls: entry('client', 400, 'A connection to a TLS port did not begin with TLS, as one of plain HTTP does.'),

  tls_handshake: entry(
    'client',
    0,
    'The TLS handshake with the client failed: no protocol or cipher in common, no valid client certificate where one is asked for, no end within tls_handshake_timeout, or the client went away.',
  ),

  // The request was read, but prox does not serve it.
  no_route: entry('client', 404, 'No route of the service matches the request.'),
  not_found: entry('client', 404, 'There is no such file below the root of the serve action.'),
  method_not_allowed: entry(
    'client',
    405,
    'The action does not take this method; CONNECT needs a proxy action with stream: true.',
  ),
  misdirected: entry(
    'client',
    421,
    'The host belongs to a pass route, and the request came over TLS that ended here, or without TLS (RFC 9110 §15.5.20).',
  ),
  dropped: entry('client', 0, 'The route has a drop action: the connection is closed without an answer.'),

  // A connection that is passed on unread.
  relay_idle: entry('client', 0, 'Neither side of a passed connection has sent a byte for idle_timeout.'),

  // The upstream could not be reached, or answered badly.
  filter_timeout: entry('internal', 503, 'A middleware of the route waited too long for what it had asked.'),
  no_target: entry('upstream', 503, 'The balancer of the route has no target to offer.'),
  bad_upstream_address: entry('upstream', 502, 'The upstream template gave something that is no address.'),
  dial_failed: entry('upstream', 502, 'The connection to the upstream was refused, or its name did not resolve.'),
  dial_timeout: entry('upstream', 502, 'The connection to the upstream was not made within dial_timeout.'),
  upstream_tls: entry(
    'upstream',
    502,
    'The TLS handshake with the upstream failed, or its certificate was not accepted.',
  ),
  upstream_closed: entry('upstream', 502, 'The upstream closed the connection before its response was complete.'),
  upstream_reset: entry(
    'upstream',
    502,
    'The upstream reset the stream of the request with an error code (RFC 9113 §6.4).',
  ),
  upstream_http2: entry('upstream', 502, 'The upstream was to speak HTTP/2, and did not begin to (RFC 9113 §3.4).'),
  no_upgrade: entry(
    'upstream',
    501,
    'An upgrade was asked for, and the upstream speaks HTTP/2 without extended CONNECT (RFC 8441).',
  ),
  upstream_timeout: entry(
    'upstream',
    504,
    'The upstream sent no response head within response_header_timeout, or reset the stream of a request when its grpc-timeout had passed.',
  ),
  upstream_stalled: entry('upstream', 504, 'The upstream moved no byte for stall_timeout where one was due.'),
  bad_response: entry(
    'upstream',
    502,
    'The head or the framing of the upstream response is malformed (RFC 9112 §4 to §6, RFC 9113 §8).',
  ),
  response_head_too_large: entry('upstream', 502, 'The head of the upstream response is over the limits on heads.'),

  // Ours.
  internal: entry(
    'internal',
    500,
    'An exception in prox itself; it costs this exchange alone, and is logged with its cause.',
  ),
  file_error: entry('internal', 500, 'A file that exists could not be read.'),
  shutting_down: entry(
    'internal',
    0,
    'prox is stopping, and shutdown_timeout passed before the exchange was complete.',
  ),
} as const satisfies Record<string, ErrorEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERROR_CODES;

function entry(source: ErrorSource, status: number, meaning: string): ErrorEntry {
  return { source, status, meaning };
}
