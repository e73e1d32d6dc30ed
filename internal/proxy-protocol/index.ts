export type { ProxyEndpoint, ProxyHeader } from './proxy-header.ts';
export { MAX_PROXY_HEADER_BYTES, MORE, ProxyHeaderReader } from './proxy-header-reader.ts';
export { proxyHeaderV1 } from './version-1.ts';
export { proxyHeaderV2 } from './version-2.ts';
