import * as z from 'zod';
import type { ServiceLimits } from '../config.ts';
import { parseCidr } from '../value/cidr.ts';
import { parseDuration } from '../value/duration.ts';
import { byteSize, duration, expected, flag, integer, key, list, object, oneOf, parsed, text } from './field.ts';

const NEVER_OFF = 'without this limit a silent peer holds its connection for ever';

/** The `config` block of a service. */
export const limitsSchema = object(
  {
    read_timeout: key(
      duration(),
      { type: 'Duration', default: '0' },
      'Bound on a whole request, from its first byte to the end of its body; `0` = none. Large uploads are legitimate and slow: to end the ones that stand still is what `stall_timeout` is for.',
    ),
    write_timeout: key(
      duration(),
      { type: 'Duration', default: '0' },
      'Bound on a whole response, from the end of the request head to the last byte; `0` = none. It cuts downloads, event streams and long polls off, however lively they are.',
    ),
    idle_timeout: key(
      duration(),
      { type: 'Duration', default: '120s' },
      'How long a keep-alive connection may wait for its next request. `0` is the default.',
    ),
    response_header_timeout: key(
      duration(),
      { type: 'Duration', default: '60s' },
      'From the request sent to the head of the upstream response; then the client gets 504. `0` is the default. Raise it for long polls. gRPC requests (`application/grpc…`) are exempt.',
    ),
    dial_timeout: key(
      duration(),
      { type: 'Duration', default: "the action's `timeout`, else 5s" },
      'Bound on connecting to an upstream; then the next target, the fallback, or 502. `0` is the default.',
    ),
    tls_handshake_timeout: key(
      duration(),
      { type: 'Duration', default: '10s' },
      'Bound on a TLS handshake, with clients (from the connection on) and with upstreams. `0` is the default.',
    ),
    keep_alive: key(
      duration(),
      { type: 'Duration', default: '30s' },
      'Interval of TCP keep-alive probes. `0` is the default.',
    ),
    max_idle_conns: key(
      integer(0, 1_000_000),
      { type: 'integer', default: '4096' },
      'Idle upstream connections kept in all. `0` is the default.',
    ),
    max_idle_conns_per_host: key(
      integer(0, 1_000_000),
      { type: 'integer', default: '4096' },
      'Idle upstream connections kept to one upstream. `0` is the default.',
    ),
    read_buffer_size: key(
      bufferSize(),
      { type: 'Size', default: '32768' },
      'Bytes that a connection holds towards the upstream before backpressure stops the reading. `0` is the default. Each connection may need this much memory.',
    ),
    write_buffer_size: key(
      bufferSize(),
      { type: 'Size', default: '32768' },
      'Bytes that a connection holds towards the client before backpressure stops the upstream. `0` is the default.',
    ),
    h2_read_idle_timeout: key(
      duration(),
      { type: 'Duration', default: '30s with clients, 5m with upstreams' },
      'An HTTP/2 connection that is silent for this long is pinged, one to an upstream only while requests are under way on it. `0` is the default. Servers of gRPC end connections on which a PING comes more often than every 5 minutes.',
    ),
    h2_ping_timeout: key(
      duration(),
      { type: 'Duration', default: '15s' },
      'An HTTP/2 connection that answers no ping within this is given up. `0` is the default.',
    ),
    h2_stream_window: key(
      windowSize(16_384),
      { type: 'size', default: '1048576' },
      'Bytes that a client or an upstream may send on one HTTP/2 stream before they are read: a stream that the other side takes slowly holds so much. A transfer is no faster than one window for each round trip. `0` is the default.',
    ),
    h2_connection_window: key(
      windowSize(65_535),
      { type: 'size', default: '4194304' },
      'The same for all streams of an HTTP/2 connection. When more is unread, each stream gets a window of 64 KiB until most of it was read. `0` is the default.',
    ),
    max_connections: key(
      integer(0, 10_000_000),
      { type: 'integer', default: '0' },
      'Connections of clients at a time, in each worker; further ones wait in the queue of the kernel. With `-workers 0` up to 511 wait, accepted but not served, and further ones are closed. `0` = no limit.',
    ),
    flush_interval: key(
      flushInterval(),
      { type: 'Duration, `-1` or another below 0', default: '0' },
      'Accepted for compatibility, changes nothing: prox forwards bytes at once.',
    ),
    disable_compression: key(
      flag(),
      { type: 'bool', default: 'true' },
      'Accepted for compatibility, changes nothing: prox never re-encodes a body.',
    ),
    header_timeout: key(
      duration({ min: 1, reason: NEVER_OFF }),
      { type: 'Duration', default: '10s' },
      'From the first byte of a request to the end of its head; then 408. It is what ends slow-header attacks, so it cannot be turned off.',
    ),
    stall_timeout: key(
      duration({ min: 1, reason: NEVER_OFF }),
      { type: 'Duration', default: '60s' },
      'No byte moved where one is due, on either side: the exchange ends. Upgraded tunnels are exempt. It cannot be turned off.',
    ),
    max_header_bytes: key(
      byteSize({ min: 1024, max: 16_777_216 }),
      { type: 'Size', default: '32768' },
      'Largest head of a request or a response; a larger request gets 431.',
    ),
    max_headers: key(
      integer(8, 65_536),
      { type: 'integer', default: '128' },
      'Most header fields of a request or a response; a request with more gets 431.',
    ),
    max_target_bytes: key(
      byteSize({ min: 64, max: 16_777_216 }),
      { type: 'Size', default: '8192' },
      'Longest request target; a longer one gets 414.',
    ),
    merge_slashes: key(
      flag(),
      { type: 'bool', default: 'true' },
      'Routes match, and `serve` looks for files, with empty segments of the path merged: `//a` as `/a`. Upstreams get the path with its slashes in any case. **Danger:** with `false`, `//admin` walks around a route for `/admin` to an upstream that merges.',
    ),
    encoded_slashes: key(
      oneOf(['keep', 'refuse']),
      { type: '`keep` or `refuse`', default: 'keep' },
      'What becomes of a path with `%2F`, `%5C` or a plain backslash. `keep`: routes take it for a slash, upstreams get it encoded, as npm and GitLab need it. `refuse`: 400.',
    ),
    max_body_bytes: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '0' },
      'Largest body of a request; a larger one gets 413. `0` = no limit.',
    ),
    min_rate: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '0' },
      'Bytes a second that the body of a request has to bring while prox waits for it, measured over periods of 5 seconds, the first one left out; a slower one gets 408. `0` = off. It ends slow-POST attacks, in which each client holds an upstream connection too; `500` suits most services. Tunnels and `stream: true` are exempt, gRPC streams are not.',
    ),
    trusted_proxies: key(
      list(parsed(text('an address or a range'), parseCidr), 'a list of addresses and ranges such as "10.0.0.0/8"'),
      { type: 'CIDR[]', default: '[]' },
      'Whose `X-Forwarded-*`, `Forwarded` and `X-Real-IP` are believed; from anyone else they are replaced or removed. **Danger:** whoever is in here can claim any client address.',
    ),
    proxy_protocol: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Accept the PROXY protocol, v1 and v2, from `trusted_proxies`, which must not be empty then.',
    ),
    underscores: key(
      flag(),
      { type: 'bool', default: 'true' },
      'Header fields of clients whose names hold an underscore go on to upstreams. `false` removes all of them, as nginx does. Those that CGI reads as a name that prox or `headers` of the action sets (`X_Forwarded_For`) are removed in any case.',
    ),
    shutdown_timeout: key(
      duration(),
      { type: 'Duration', default: '30s' },
      'How long requests in flight may go on when prox stops or a listener closes; then they are cut.',
    ),
  },
  'an object of timeouts and limits',
).meta({ id: 'ServiceConfig', description: 'Timeouts and limits of a service.' });

export type RawLimits = z.infer<typeof limitsSchema>;

/** 1 KiB still moves bytes; above 64 MiB a few clients could fill the memory. */
function bufferSize() {
  return byteSize({ min: 1024, max: 67_108_864, zero: true });
}

/** A window of HTTP/2: at most 2^31-1 (RFC 9113 §6.9.1). */
function windowSize(min: number) {
  return byteSize({ min, max: 2 ** 31 - 1, zero: true });
}

/** The Go prox flushes at once for any duration below 0. */
function flushInterval() {
  const allowed = 'a duration, or -1';
  return parsed(z.union([z.string(), z.number()], { error: expected(allowed) }), (value) => {
    if (typeof value === 'string' && value !== '-1') parseDuration(value.replace(/^-/, ''));
  });
}

/** Every limit when a service says nothing. Durations are milliseconds, sizes bytes. */
export const DEFAULT_LIMITS: ServiceLimits = Object.freeze({
  readTimeout: 0,
  writeTimeout: 0,
  idleTimeout: 120_000,
  responseHeaderTimeout: 60_000,
  dialTimeout: null,
  tlsHandshakeTimeout: 10_000,
  keepAlive: 30_000,
  maxIdleConns: 4096,
  maxIdleConnsPerHost: 4096,
  readBufferSize: 32_768,
  writeBufferSize: 32_768,
  h2ReadIdleTimeout: null,
  h2PingTimeout: 15_000,
  h2StreamWindow: 1_048_576,
  h2ConnectionWindow: 4_194_304,
  maxConnections: 0,
  headerTimeout: 10_000,
  stallTimeout: 60_000,
  maxHeaderBytes: 32_768,
  maxHeaders: 128,
  maxTargetBytes: 8192,
  mergeSlashes: true,
  encodedSlashes: 'keep',
  maxBodyBytes: 0,
  minRate: 0,
  trustedProxies: Object.freeze([]),
  proxyProtocol: false,
  underscores: true,
  shutdownTimeout: 30_000,
});
