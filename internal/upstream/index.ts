export { parsePeer, type Peer } from './peer.ts';
export { type LinkNeeds, PeerPool, type PoolOptions, Pools } from './pool.ts';
export type { ResponseHandler } from './response-handler.ts';
export type { Http2RequestHead, UpstreamLink, UpstreamRequest, UpstreamTimeouts } from './upstream-link.ts';
