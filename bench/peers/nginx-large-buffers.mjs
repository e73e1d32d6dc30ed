import { nginxPeer } from './nginx.mjs';

/** The settings for large answers: by default nginx reads them into buffers of 4 KiB. */
export default nginxPeer({
  name: 'nginx-large-buffers',
  title: 'nginx, 16 KiB buffers',
  order: 1.5,
  cases: ['keep-alive-16k', 'body-1m'],
  directives: 'proxy_buffers 16 16k; proxy_busy_buffers_size 64k;',
});
