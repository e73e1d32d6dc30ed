export { createProxyAction, type ProxyContext } from './proxy.ts';
