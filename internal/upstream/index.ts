export { Http1Connection, type UpstreamTimeouts } from './http1-connection.ts';
export { parsePeer, type Peer } from './peer.ts';
export { type AcquireDone, PeerPool, type PoolOptions, Pools } from './pool.ts';
export type { ResponseHandler } from './response-handler.ts';
