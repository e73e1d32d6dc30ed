/** httpxy as a reverse proxy: see its README, "Proxy Server"; it keeps connections to the upstream by default. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createProxyServer } from 'httpxy';

const { port, upstream, tls } = JSON.parse(process.argv[2]);
const target = `http://127.0.0.1:${upstream}`;

const proxy = createProxyServer({ target, xfwd: true });
proxy.on('proxyReq', (request) => request.setHeader('Via', '1.1 httpxy'));

proxy.on('error', (error, _request, response) => {
  console.error(error.message);
  response.destroy();
});

const handle = (request, response) => void proxy.web(request, response);
const server =
  tls === null
    ? createServer(handle)
    : createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handle);
server.on('upgrade', (request, socket, head) => void proxy.ws(request, socket, { target }, head));
server.keepAliveTimeout = 600_000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
