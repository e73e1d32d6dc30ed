export type { OwnRequest } from './own-request.ts';
export { parsePeer, type Peer } from './peer.ts';
export { type LinkNeeds, PeerPool, type PoolOptions, Pools } from './pool.ts';
export { DEFAULT_DIAL_TIMEOUT_MS, poolOptionsOf } from './pool-options.ts';
export type { ResponseHandler } from './response-handler.ts';
export { type CallBounds, type OwnResponse, UpstreamClient } from './upstream-client.ts';
export type { Http2RequestHead, UpstreamLink, UpstreamRequest, UpstreamTimeouts } from './upstream-link.ts';
