/**
 * A relay on node:net that reads nothing of what passes: the least that a proxy on Node can cost with documented means.
 * Each read of a client is a request, answered by one read of the upstream; heads are written from constants, of the
 * size of those that prox writes. Arguments: its port, the upstream's port, and `close` where each request has a
 * connection of its own.
 */
import { connect, createServer } from 'node:net';

const [port, upstreamPort, mode] = process.argv.slice(2);
const closes = mode === 'close';

const REQUEST = [
  'GET /api/v1/orders/1?fields=id,total,state HTTP/1.1',
  `Host: 127.0.0.1:${upstreamPort}`,
  'User-Agent: orders-client/4.1 (linux; x86_64)',
  'Accept: application/json',
  'X-Forwarded-For: 127.0.0.1',
  'X-Forwarded-Host: 127.0.0.1',
  'X-Forwarded-Proto: http',
  'Via: 1.1 relay',
  '',
  '',
].join('\r\n');

const RESPONSE = [
  'HTTP/1.1 200 OK',
  'Server: nginx/1.22.1',
  'Date: Sun, 06 Nov 1994 08:49:37 GMT',
  'Content-Type: application/octet-stream',
  'Content-Length: 2',
  ...(closes ? ['Connection: close'] : []),
  '',
  'ok',
].join('\r\n');

const idle = [];

function open() {
  const link = { client: null, socket: null };
  const callback = () => {
    const { client } = link;
    link.client = null;
    idle.push(link);
    if (closes) client.end(RESPONSE, 'latin1');
    else client.write(RESPONSE, 'latin1');
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(32_768), callback };
  link.socket = connect({ port: Number(upstreamPort), host: '127.0.0.1', noDelay: true, onread });
  return link;
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  client.on('data', () => {
    const link = idle.pop() ?? open();
    link.client = client;
    link.socket.write(REQUEST, 'latin1');
  });
  client.on('end', () => client.end());
  // The load ends by closing all that it has.
  client.on('error', () => client.destroy());
});
server.listen(Number(port), '127.0.0.1', 4096);
