/**
 * The health check of the container: exit 0 when prox answers on 127.0.0.1, port PROX_HEALTH_PORT or 8080.
 *
 * Any config must do, so nothing is assumed of its routes. A request without Host is refused by every HTTP/1.1 server
 * itself (RFC 9112 §3.2), before routing and without an upstream; on a TLS port the same bytes bring an alert. Either
 * way bytes or a close come back, which a process that hangs does not send, although the kernel would still accept.
 */
import { connect } from 'node:net';

/** Below the timeout of the HEALTHCHECK line in the Dockerfile, so that the reason is printed. */
const LIMIT = 4000;

const port = Number(process.env.PROX_HEALTH_PORT ?? 8080);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  end(1, `PROX_HEALTH_PORT is not a port: ${process.env.PROX_HEALTH_PORT}`);
}

setTimeout(() => end(1, `no answer on port ${port} in ${LIMIT} ms`), LIMIT);

const socket = connect({ host: '127.0.0.1', port });
socket.write('GET / HTTP/1.1\r\nConnection: close\r\n\r\n');
socket.on('data', () => end(0, 'healthy'));
socket.on('close', () => end(0, 'healthy'));
// A reset of the connection also shows that the process runs.
socket.on('error', (error) => (error.code === 'ECONNRESET' ? end(0, 'healthy') : end(1, error.message)));

function end(status, text) {
  console.log(text);
  process.exit(status);
}
