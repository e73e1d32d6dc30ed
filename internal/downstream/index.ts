export { DRAINING_START_MS } from './client-bounds.ts';
export { Http1Session } from './http1/http1-session.ts';
export { Http2Session } from './http2/http2-session.ts';
export { Lingering } from './lingering.ts';
export type { DrainableSession, HostRoute, SessionHost, SessionSlot } from './session-host.ts';
