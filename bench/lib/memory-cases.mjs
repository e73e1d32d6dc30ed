/** What connections cost in memory. */
import { connect, createServer } from 'node:net';
import { memoryOf, stop } from './process.mjs';
import { PROX_PORT, startProx } from './setup.mjs';

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n';
const CONNECTIONS = 10_000;
const TRANSFER_BYTES = 300_000_000;

export const memoryCases = { idle: idleConnections, 'slow-reader': pausingReader };

/** Resident memory for each of 10,000 keep-alive connections that had one answer and are idle. */
async function idleConnections() {
  const prox = await startProx();
  for (let i = 0; i < 2000; i++) (await answered()).destroy();
  await settle();
  const before = memoryOf(prox.pid).resident;
  const sockets = [];
  while (sockets.length < CONNECTIONS) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => answered()))));
  }
  await settle();
  const each = (memoryOf(prox.pid).resident - before) / CONNECTIONS;
  for (const socket of sockets) socket.destroy();
  await stop(prox);
  return {
    case: '10,000 idle connections, memory each',
    prox: `${(each / 1024).toFixed(1)} KiB`,
    bound: 'at most 8 KiB',
  };
}

/** Growth of resident memory while 300 MB pass to a client that stops reading again and again. */
async function pausingReader() {
  const upstream = createServer((socket) => socket.once('data', () => pour(socket)));
  await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const prox = await startProx({ upstream: upstream.address().port });
  (await answered()).destroy();
  await settle();
  const before = memoryOf(prox.pid).resident;
  let peak = before;
  const client = connect({ port: PROX_PORT, host: '127.0.0.1' });
  client.write(REQUEST);
  let received = 0;
  let pauseAt = 10_000_000;
  await new Promise((resolve, reject) => {
    client.once('error', reject);
    client.on('data', (chunk) => {
      received += chunk.length;
      if (received >= TRANSFER_BYTES) return resolve();
      if (received < pauseAt) return;
      pauseAt += 10_000_000;
      client.pause();
      setTimeout(() => {
        peak = Math.max(peak, memoryOf(prox.pid).resident);
        client.resume();
      }, 100);
    });
  });
  client.destroy();
  upstream.close();
  await stop(prox);
  const growth = (peak - before) / 1e6;
  return {
    case: '300 MB through a reader that pauses, memory growth',
    prox: `${growth.toFixed(1)} MB`,
    bound: 'below 32 MB',
  };
}

function pour(socket) {
  const block = Buffer.alloc(65_536, 'x');
  let left = TRANSFER_BYTES;
  socket.on('error', () => socket.destroy());
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left}\r\n\r\n`);
  const more = () => {
    while (left > 0) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!socket.write(block.subarray(0, size))) return;
    }
    socket.end();
  };
  socket.on('drain', more);
  more();
}

function answered() {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: PROX_PORT, host: '127.0.0.1' }, () => socket.write(REQUEST));
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Memory is looked at when the garbage of the moment had time to go. */
function settle() {
  return new Promise((resolve) => setTimeout(resolve, 2000));
}
