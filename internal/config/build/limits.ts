import type { ServiceLimits } from '../config.ts';
import type { Written } from '../load/assemble.ts';
import { DEFAULT_LIMITS, type RawLimits } from '../schema/limits.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseCidr } from '../value/cidr.ts';
import { parseDuration } from '../value/duration.ts';
import { type BuildContext, report } from './context.ts';

/** The maximum of TCP_KEEPIDLE in Linux (tcp(7)). With more, Linux keeps its default of two hours. */
const MAX_KEEP_ALIVE_MS = 32_767_000;

/** Fills the `config` block of a service with every default. */
export function buildLimits(context: BuildContext, written: Written): ServiceLimits {
  const raw = written.value as RawLimits;
  const defaults = DEFAULT_LIMITS;
  const ms = (value: string | number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : parseDuration(value);
  const bytes = (value: string | number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : parseByteSize(value, { min: 0 });
  if (raw.proxy_protocol === true && (raw.trusted_proxies ?? []).length === 0) {
    report(
      context,
      written,
      ['proxy_protocol'],
      '`proxy_protocol` needs `trusted_proxies`: prox accepts the header only from these addresses',
    );
  }
  // `||` for values whose 0 means "not set" in Go's prox.
  return Object.freeze({
    readTimeout: ms(raw.read_timeout, defaults.readTimeout),
    writeTimeout: ms(raw.write_timeout, defaults.writeTimeout),
    idleTimeout: ms(raw.idle_timeout, 0) || defaults.idleTimeout,
    responseHeaderTimeout: ms(raw.response_header_timeout, 0) || defaults.responseHeaderTimeout,
    dialTimeout: ms(raw.dial_timeout, 0) || defaults.dialTimeout,
    tlsHandshakeTimeout: ms(raw.tls_handshake_timeout, 0) || defaults.tlsHandshakeTimeout,
    keepAlive: Math.min(ms(raw.keep_alive, 0) || defaults.keepAlive, MAX_KEEP_ALIVE_MS),
    maxIdleConns: raw.max_idle_conns || defaults.maxIdleConns,
    maxIdleConnsPerHost: raw.max_idle_conns_per_host || defaults.maxIdleConnsPerHost,
    readBufferSize: bytes(raw.read_buffer_size, 0) || defaults.readBufferSize,
    writeBufferSize: bytes(raw.write_buffer_size, 0) || defaults.writeBufferSize,
    h2ReadIdleTimeout: ms(raw.h2_read_idle_timeout, 0) || defaults.h2ReadIdleTimeout,
    h2PingTimeout: ms(raw.h2_ping_timeout, 0) || defaults.h2PingTimeout,
    h2StreamWindow: bytes(raw.h2_stream_window, 0) || defaults.h2StreamWindow,
    h2ConnectionWindow: bytes(raw.h2_connection_window, 0) || defaults.h2ConnectionWindow,
    maxConnections: raw.max_connections ?? defaults.maxConnections,
    headerTimeout: ms(raw.header_timeout, defaults.headerTimeout),
    stallTimeout: ms(raw.stall_timeout, defaults.stallTimeout),
    maxHeaderBytes: bytes(raw.max_header_bytes, defaults.maxHeaderBytes),
    maxHeaders: raw.max_headers ?? defaults.maxHeaders,
    maxTargetBytes: bytes(raw.max_target_bytes, defaults.maxTargetBytes),
    mergeSlashes: raw.merge_slashes ?? defaults.mergeSlashes,
    encodedSlashes: raw.encoded_slashes ?? defaults.encodedSlashes,
    maxBodyBytes: bytes(raw.max_body_bytes, defaults.maxBodyBytes),
    minRate: bytes(raw.min_rate, defaults.minRate),
    trustedProxies: Object.freeze((raw.trusted_proxies ?? []).map(parseCidr)),
    proxyProtocol: raw.proxy_protocol ?? defaults.proxyProtocol,
    underscores: raw.underscores ?? defaults.underscores,
    shutdownTimeout: ms(raw.shutdown_timeout, defaults.shutdownTimeout),
  });
}
