import { proxOn } from '../lib/prox-peer.mjs';

export default proxOn(26, { name: 'prox-node26', title: 'prox, Node 26', order: 11 });
