import { haproxyPeer } from './haproxy.mjs';

/** The settings for large answers: by default HAProxy's buffers have 16 KiB. */
export default haproxyPeer({
  name: 'haproxy-large-buffers',
  title: 'HAProxy, 64 KiB buffers',
  order: 2.5,
  cases: ['body-1m'],
  settings: 'tune.bufsize 65536',
});
