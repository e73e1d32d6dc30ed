/** @fastify/http-proxy as a reverse proxy, with undici as its client, which its documentation names as the fastest. */
import { readFileSync } from 'node:fs';
import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const { port, upstream, tls, http2, accessLog } = JSON.parse(process.argv[2]);

const server = Fastify({
  logger: accessLog === null ? false : { level: 'info', file: accessLog },
  keepAliveTimeout: 600_000,
  ...(tls === null
    ? {}
    : { ...(http2 ? { http2 } : {}), https: { cert: readFileSync(tls.cert), key: readFileSync(tls.key) } }),
});

await server.register(proxy, {
  upstream: `http://127.0.0.1:${upstream}`,
  websocket: true,
  undici: { connections: 256, pipelining: 1, keepAliveTimeout: 600_000 },
  replyOptions: {
    // It would pass on what the upstream says of its own connection.
    rewriteHeaders(headers) {
      delete headers.connection;
      delete headers['keep-alive'];
      return headers;
    },
    rewriteRequestHeaders(request, headers) {
      const forwarded = headers['x-forwarded-for'];
      return {
        ...headers,
        'x-forwarded-for': forwarded === undefined ? request.ip : `${String(forwarded)}, ${request.ip}`,
        'x-forwarded-host': request.host,
        'x-forwarded-proto': request.protocol,
        via: '1.1 fastify',
      };
    },
  },
});

await server.listen({ port, host: '127.0.0.1', backlog: 4096 });
