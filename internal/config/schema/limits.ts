import * as z from 'zod';
import type { ServiceLimits } from '../config.ts';
import { parseCidr } from '../value/cidr.ts';
import { parseDuration } from '../value/duration.ts';
import { byteSize, duration, expected, flag, integer, key, list, object, oneOf, parsed, text } from './field.ts';

const NEVER_OFF = 'without this limit a silent client could hold its connection forever';

/** The `config` block of a service. */
export const limitsSchema = object(
  {
    read_timeout: key(
      duration(),
      { type: 'Duration', default: '0' },
      'Limit for a whole request, from its first byte to the end of its body; `0` = none. It also ends large uploads that make progress; `stall_timeout` ends only those that do not.',
    ),
    write_timeout: key(
      duration(),
      { type: 'Duration', default: '0' },
      'Limit for a whole response, from the end of the request head to the last byte; `0` = none. It also cuts downloads, event streams and long polls that make progress.',
    ),
    idle_timeout: key(
      duration(),
      { type: 'Duration', default: '120s' },
      'How long a keep-alive connection may wait for its next request. `0` means the default.',
    ),
    response_header_timeout: key(
      duration(),
      { type: 'Duration', default: '60s' },
      'Time from the request sent to the head of the upstream response; then the client gets 504. `0` means the default. Raise it for long polls. It does not apply to gRPC requests (`application/grpc…`).',
    ),
    dial_timeout: key(
      duration(),
      { type: 'Duration', default: "the action's `timeout`, else 5s" },
      'Limit for connecting to an upstream; then the next target is tried, or the fallback, or the client gets 502. `0` means the default.',
    ),
    tls_handshake_timeout: key(
      duration(),
      { type: 'Duration', default: '10s' },
      'Limit for a TLS handshake, with clients (counted from the connection on) and with upstreams. `0` means the default.',
    ),
    keep_alive: key(
      duration(),
      { type: 'Duration', default: '30s' },
      'Interval of TCP keep-alive probes. `0` means the default.',
    ),
    max_idle_conns: key(
      integer(0, 1_000_000),
      { type: 'integer', default: '4096' },
      'Largest number of idle connections to all upstreams together. `0` means the default.',
    ),
    max_idle_conns_per_host: key(
      integer(0, 1_000_000),
      { type: 'integer', default: '4096' },
      'Largest number of idle connections to one upstream. `0` means the default.',
    ),
    read_buffer_size: key(
      bufferSize(),
      { type: 'Size', default: '32768' },
      'Bytes that a connection holds towards the upstream before prox stops reading from the client. Each connection may need this much memory. `0` means the default.',
    ),
    write_buffer_size: key(
      bufferSize(),
      { type: 'Size', default: '32768' },
      'Bytes that a connection holds towards the client before prox stops reading from the upstream. `0` means the default.',
    ),
    h2_read_idle_timeout: key(
      duration(),
      { type: 'Duration', default: '30s with clients, 5m with upstreams' },
      'prox pings an HTTP/2 connection that is silent for this long; a connection to an upstream only while requests are in flight on it. gRPC servers end connections that send PINGs more often than every 5 minutes. `0` means the default.',
    ),
    h2_ping_timeout: key(
      duration(),
      { type: 'Duration', default: '15s' },
      'prox gives up an HTTP/2 connection that does not answer a ping within this time. `0` means the default.',
    ),
    h2_stream_window: key(
      windowSize(16_384),
      { type: 'size', default: '1048576' },
      'Bytes that a client or an upstream may send on one HTTP/2 stream before they are read. If the other side reads slowly, a stream holds this much memory. A transfer is no faster than one window per round trip. `0` means the default.',
    ),
    h2_connection_window: key(
      windowSize(65_535),
      { type: 'size', default: '4194304' },
      'The same for all streams of an HTTP/2 connection. If more is unread, each stream gets a window of 64 KiB until most of it has been read. `0` means the default.',
    ),
    max_connections: key(
      integer(0, 10_000_000),
      { type: 'integer', default: '0' },
      'Largest number of client connections at a time, in each worker; further ones wait in the queue of the kernel. With `-workers 0`, up to 511 are accepted and wait, and further ones are closed. `0` = no limit.',
    ),
    flush_interval: key(
      flushInterval(),
      { type: 'Duration, `-1` or another below 0', default: '0' },
      'Accepted for compatibility, without effect: prox forwards bytes at once.',
    ),
    disable_compression: key(flag(), { type: 'bool', default: 'true' }, 'Accepted for compatibility, without effect.'),
    header_timeout: key(
      duration({ min: 1, reason: NEVER_OFF }),
      { type: 'Duration', default: '10s' },
      'Time from the first byte of a request to the end of its head; then the client gets 408. It ends slow-header attacks, so it cannot be turned off.',
    ),
    stall_timeout: key(
      duration({ min: 1, reason: NEVER_OFF }),
      { type: 'Duration', default: '60s' },
      'Ends an exchange if the client or the upstream sends or accepts no byte for this time although prox waits for it. It does not apply to upgraded tunnels, and cannot be turned off.',
    ),
    max_header_bytes: key(
      byteSize({ min: 1024, max: 16_777_216 }),
      { type: 'Size', default: '32768' },
      'Largest head of a request or a response; a larger request gets 431.',
    ),
    max_headers: key(
      integer(8, 65_536),
      { type: 'integer', default: '128' },
      'Largest number of header fields of a request or a response; a request with more gets 431.',
    ),
    max_target_bytes: key(
      byteSize({ min: 64, max: 16_777_216 }),
      { type: 'Size', default: '8192' },
      'Longest request target; a longer one gets 414.',
    ),
    merge_slashes: key(
      flag(),
      { type: 'bool', default: 'true' },
      'Whether routes and `serve` treat `//a` as `/a`. Upstreams get the path with its slashes in any case. **Danger:** with `false`, `//admin` bypasses a route for `/admin`, and reaches an upstream that merges slashes.',
    ),
    encoded_slashes: key(
      oneOf(['keep', 'refuse']),
      { type: '`keep` or `refuse`', default: 'keep' },
      'How to treat a path with `%2F`, `%5C` or a plain backslash. `keep`: routes treat it as a slash, and upstreams get it encoded, which npm and GitLab need. `refuse`: 400.',
    ),
    max_body_bytes: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '0' },
      'Largest body of a request; a larger one gets 413. `0` = no limit.',
    ),
    min_rate: key(
      byteSize({ min: 0 }),
      { type: 'Size', default: '0' },
      'The lowest rate, in bytes per second, at which the body of a request must arrive while prox waits for it; a slower one gets 408. prox measures periods of 5 seconds, except the first. `0` = off. It ends slow-POST attacks, in which each client also holds an upstream connection; `500` suits most services. It does not apply to tunnels and `stream: true`, but does apply to gRPC streams.',
    ),
    trusted_proxies: key(
      list(parsed(text('an address or a range'), parseCidr), 'a list of addresses and ranges such as "10.0.0.0/8"'),
      { type: 'CIDR[]', default: '[]' },
      'Addresses of proxies whose `X-Forwarded-*`, `Forwarded` and `X-Real-IP` prox believes; it replaces or removes those of all other clients. **Danger:** a machine with such an address can claim any client address.',
    ),
    proxy_protocol: key(
      flag(),
      { type: 'bool', default: 'false' },
      'Expect a PROXY header, v1 or v2, from `trusted_proxies`, which then must not be empty.',
    ),
    underscores: key(
      flag(),
      { type: 'bool', default: 'true' },
      'Whether prox passes on header fields of clients whose names contain an underscore. `false` removes all of them, as nginx does. Names that CGI cannot distinguish from a name that prox or `headers` of the action sets (`X_Forwarded_For`) are removed in any case.',
    ),
    shutdown_timeout: key(
      duration(),
      { type: 'Duration', default: '30s' },
      'How long requests in flight may continue when prox stops or a listener closes; then they are cut.',
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
