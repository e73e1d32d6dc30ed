import { connect, createServer } from 'node:net';

/** Below the range that systems take client ports from: none of those can get in the way. */
const FIRST = 20_000;
const LAST = 32_000;

/** A port that is free at the moment, for configs that must name one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** Whether a server accepts connections at a port, or at the path of a unix socket. */
export function accepts(address: number | string, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof address === 'number' ? connect({ port: address, host }) : connect({ path: address });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
