import { proxOn } from '../lib/prox-peer.mjs';

export default proxOn(20, { name: 'prox-node20', title: 'prox, Node 20', order: 10 });
