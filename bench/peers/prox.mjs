import { MAIN_LINE } from '../lib/nodes.mjs';
import { proxOn } from '../lib/prox-peer.mjs';

export default proxOn(MAIN_LINE, { name: 'prox', title: 'prox', order: 0 });
