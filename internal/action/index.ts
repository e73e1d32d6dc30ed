export { createDropAction } from './drop.ts';
export { createPassAction, type PassContext } from './pass.ts';
export { createProxyAction, type ProxyContext } from './proxy.ts';
export { createServeAction } from './serve/serve.ts';
export { createStaticAction } from './static/static.ts';
