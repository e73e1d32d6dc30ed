/** http-proxy-3 as a reverse proxy: see its README, "custom server logic" and "request header re-writing". */
import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createProxyServer } from 'http-proxy-3';

const { port, upstream, tls } = JSON.parse(process.argv[2]);

const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstream}`,
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
});
proxy.on('proxyReq', (request) => request.setHeader('Via', '1.1 http-proxy-3'));
proxy.on('error', (error, _request, response) => {
  console.error(error.message);
  response.destroy();
});

const handle = (request, response) => proxy.web(request, response);
const server =
  tls === null
    ? createServer(handle)
    : createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handle);
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
server.keepAliveTimeout = 600_000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
