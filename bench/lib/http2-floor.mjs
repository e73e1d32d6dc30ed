/** The least that an HTTP/2 server on node:http2 does: PORT CERT KEY. */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const [port, cert, key] = process.argv.slice(2);
const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
server.on('stream', (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain', 'content-length': '2' });
  stream.end('ok');
});
server.on('sessionError', () => {});
server.listen(Number(port), '127.0.0.1');
