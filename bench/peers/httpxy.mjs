import { javaScriptPeer } from '../lib/js-peer.mjs';

export default javaScriptPeer({
  name: 'httpxy',
  package: 'httpxy',
  order: 7,
  can: ['tls', 'websocket'],
  cannot: { 'access-log': 'writes none', h2: 'made for HTTP/1.1 servers', reload: 'has no config' },
});
