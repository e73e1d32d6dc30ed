import { javaScriptPeer } from '../lib/js-peer.mjs';

export default javaScriptPeer({
  name: 'fastify-http-proxy',
  package: '@fastify/http-proxy',
  order: 8,
  can: ['tls', 'h2', 'access-log', 'websocket'],
  cannot: { reload: 'has no config' },
});
