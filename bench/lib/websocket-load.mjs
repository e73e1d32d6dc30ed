/**
 * 64 WebSocket connections, on each one message after another, sent when the last has come back: PORT SECONDS. Prints
 * how many came back, and how long they took. Fails when a connection ends or a message comes back changed.
 */
import { WebSocket } from 'ws';
import { percentile } from './stats.mjs';

const CONNECTIONS = 64;
const MESSAGE = Buffer.alloc(64, 'm');

const [port, seconds] = process.argv.slice(2).map(Number);
const times = [];
let running = true;

function fail(reason) {
  if (!running) return;
  console.error(`websocket: ${reason}`);
  process.exit(1);
}

const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => opened()));
const began = performance.now();
for (const socket of sockets) talk(socket);
setTimeout(finish, seconds * 1000);

function opened() {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { perMessageDeflate: false });
    socket.on('error', (error) => fail(error.message));
    socket.on('close', (code) => fail(`closed with ${code}`));
    socket.once('open', () => resolve(socket));
  });
}

function talk(socket) {
  let sent = 0;
  const next = () => {
    sent = performance.now();
    socket.send(MESSAGE);
  };
  socket.on('message', (data) => {
    if (!MESSAGE.equals(data)) fail('a message came back changed');
    times.push((performance.now() - sent) * 1000);
    if (running) next();
  });
  next();
}

function finish() {
  running = false;
  const elapsed = (performance.now() - began) / 1000;
  const sorted = Float64Array.from(times).sort();
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => percentile(sorted, share));
  const load = { done: sorted.length, seconds: elapsed, p50, p99, p999, max: sorted.at(-1) };
  process.stdout.write(`${JSON.stringify(load)}\n`, () => process.exit(0));
}
