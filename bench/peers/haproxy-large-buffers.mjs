import { haproxyPeer } from './haproxy.mjs';

/** As somebody sets it who has large answers: by default its buffers have 16 KiB. */
export default haproxyPeer({
  name: 'haproxy-large-buffers',
  title: 'HAProxy, 64 KiB buffers',
  order: 2.5,
  cases: ['body-1m'],
  settings: 'tune.bufsize 65536',
});
