import type { ServiceLimits } from '../config/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../http1/index.ts';
import type { PoolOptions } from './pool.ts';

/** Connecting takes milliseconds or fails; 5 s leave room for a lost SYN and its repetitions. */
export const DEFAULT_DIAL_TIMEOUT_MS = 5000;

/** Milliseconds of silence before an upstream is pinged: servers of gRPC-Go take one PING in 5 minutes, and no more. */
const DEFAULT_UPSTREAM_PING_MS = 300_000;

/**
 * How a service makes and keeps connections to its upstreams.
 * @param dialTimeout milliseconds, where the service has no dial_timeout; null for the default
 */
export function poolOptionsOf(limits: ServiceLimits, dialTimeout: number | null): PoolOptions {
  return {
    timeout: limits.dialTimeout ?? dialTimeout ?? DEFAULT_DIAL_TIMEOUT_MS,
    tlsTimeout: limits.tlsHandshakeTimeout,
    keepAlive: limits.keepAlive,
    readBufferSize: limits.readBufferSize,
    writeBufferSize: limits.writeBufferSize,
    idleTimeout: limits.idleTimeout,
    maxIdle: limits.maxIdleConns,
    maxIdlePerHost: limits.maxIdleConnsPerHost,
    h2ReadIdleTimeout: limits.h2ReadIdleTimeout ?? DEFAULT_UPSTREAM_PING_MS,
    h2PingTimeout: limits.h2PingTimeout,
    h2StreamWindow: limits.h2StreamWindow,
    h2ConnectionWindow: limits.h2ConnectionWindow,
    headLimits: { ...DEFAULT_HEAD_LIMITS, maxHeaderBytes: limits.maxHeaderBytes, maxHeaders: limits.maxHeaders },
  };
}
