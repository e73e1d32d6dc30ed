import { nginxPeer } from './nginx.mjs';

/** As somebody sets it who has large answers: by default it reads them into buffers of 4 KiB. */
export default nginxPeer({
  name: 'nginx-large-buffers',
  title: 'nginx, 16 KiB buffers',
  order: 1.5,
  cases: ['keep-alive-16k', 'body-1m'],
  directives: 'proxy_buffers 16 16k; proxy_busy_buffers_size 64k;',
});
